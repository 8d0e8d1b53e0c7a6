import { add, div, lerp, mul, read, scalar, sqrt, sub, VECTOR, write } from "../lanes";

export function scheduleFreeAdamw(n: usize, p: usize, g: usize, z: usize, v: usize, h: usize): void {
  const share = scalar(h, 0);
  const step = scalar(h, 1);
  const lr = scalar(h, 2);
  const b2 = scalar(h, 3);
  const w2 = scalar(h, 4);
  const root = scalar(h, 5);
  const eps = scalar(h, 6);
  const decay = scalar(h, 7);
  const decayZ = scalar(h, 8);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const gi = read(g + i);
    const pi = read(p + i);
    const zi = read(z + i);
    const vi = add(mul(b2, read(v + i)), mul(mul(w2, gi), gi));
    const direction = div(mul(root, gi), add(sqrt(vi), eps));
    const di = add(direction, add(mul(decay, pi), mul(decayZ, zi)));
    write(v + i, vi);
    write(p + i, add(lerp(pi, zi, share), mul(step, di)));
    write(z + i, sub(zi, mul(lr, di)));
  }
}

export function scheduleFreeAdamwMomentum(n: usize, p: usize, g: usize, z: usize, v: usize, m: usize, h: usize): void {
  const share = scalar(h, 0);
  const step = scalar(h, 1);
  const lr = scalar(h, 2);
  const b2 = scalar(h, 3);
  const w2 = scalar(h, 4);
  const root = scalar(h, 5);
  const eps = scalar(h, 6);
  const decay = scalar(h, 7);
  const decayZ = scalar(h, 8);
  const w1 = scalar(h, 9);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const gi = read(g + i);
    const pi = read(p + i);
    const zi = read(z + i);
    const mi = lerp(read(m + i), gi, w1);
    const vi = add(mul(b2, read(v + i)), mul(mul(w2, gi), gi));
    const direction = div(mul(root, mi), add(sqrt(vi), eps));
    const di = add(direction, add(mul(decay, pi), mul(decayZ, zi)));
    write(m + i, mi);
    write(v + i, vi);
    write(p + i, add(lerp(pi, zi, share), mul(step, di)));
    write(z + i, sub(zi, mul(lr, di)));
  }
}

export function scheduleFreeAdamwMove(n: usize, p: usize, _g: usize, z: usize, _v: usize, h: usize): void {
  const share = scalar(h, 0);
  for (let i: usize = 0; i < n; i += VECTOR) {
    write(p + i, lerp(read(p + i), read(z + i), share));
  }
}

export function scheduleFreeAdamwMomentumMove(
  n: usize,
  p: usize,
  _g: usize,
  z: usize,
  _v: usize,
  _m: usize,
  h: usize,
): void {
  const share = scalar(h, 0);
  for (let i: usize = 0; i < n; i += VECTOR) {
    write(p + i, lerp(read(p + i), read(z + i), share));
  }
}
