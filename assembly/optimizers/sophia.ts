import { abs, add, all, div, lerp, min, mul, read, scalar, sign, sub, VECTOR, write } from "../lanes";

export function sophia(n: usize, p: usize, g: usize, m: usize, hessian: usize, h: usize): void {
  const keep = scalar(h, 0);
  const lr = scalar(h, 1);
  const w1 = scalar(h, 2);
  const scale = scalar(h, 3);
  const eps = scalar(h, 4);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const mi = lerp(read(m + i), read(g + i), w1);
    const ratio = min(div(abs(mi), add(mul(scale, read(hessian + i)), eps)), all(1));
    write(m + i, mi);
    write(p + i, sub(mul(keep, read(p + i)), mul(lr, mul(sign(mi), ratio))));
  }
}

export function sophiaHessian(n: usize, _p: usize, g: usize, _m: usize, hessian: usize, h: usize): void {
  const b2 = scalar(h, 0);
  const w2 = scalar(h, 1);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const gi = read(g + i);
    write(hessian + i, add(mul(b2, read(hessian + i)), mul(mul(w2, gi), gi)));
  }
}
