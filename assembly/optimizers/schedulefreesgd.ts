import { add, lerp, mul, read, scalar, sub, VECTOR, write } from "../lanes";

export function scheduleFreeSgd(n: usize, p: usize, g: usize, z: usize, h: usize): void {
  const share = scalar(h, 0);
  const step = scalar(h, 1);
  const lr = scalar(h, 2);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const gi = read(g + i);
    const zi = read(z + i);
    write(p + i, add(lerp(read(p + i), zi, share), mul(step, gi)));
    write(z + i, sub(zi, mul(lr, gi)));
  }
}

export function scheduleFreeSgdMove(n: usize, p: usize, _g: usize, z: usize, h: usize): void {
  const share = scalar(h, 0);
  for (let i: usize = 0; i < n; i += VECTOR) {
    write(p + i, lerp(read(p + i), read(z + i), share));
  }
}
