import { add, div, mul, read, scalar, sqrt, sub, VECTOR, write } from "../lanes";

export function adadelta(n: usize, p: usize, g: usize, s: usize, d: usize, h: usize): void {
  const lr = scalar(h, 0);
  const rho = scalar(h, 1);
  const w = scalar(h, 2);
  const eps = scalar(h, 3);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const gi = read(g + i);
    const di = read(d + i);
    const si = add(mul(rho, read(s + i)), mul(mul(w, gi), gi));
    const delta = mul(div(sqrt(add(di, eps)), sqrt(add(si, eps))), gi);
    write(s + i, si);
    write(d + i, add(mul(rho, di), mul(mul(w, delta), delta)));
    write(p + i, sub(read(p + i), mul(lr, delta)));
  }
}

export function adadeltaPast(n: usize, p: usize, g: usize, s: usize, d: usize, h: usize): void {
  const lr = scalar(h, 0);
  const rho = scalar(h, 1);
  const w = scalar(h, 2);
  const eps = scalar(h, 3);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const gi = read(g + i);
    const di = read(d + i);
    const si = read(s + i);
    const delta = mul(div(sqrt(add(di, eps)), sqrt(add(si, eps))), gi);
    write(s + i, add(mul(rho, si), mul(mul(w, gi), gi)));
    write(d + i, add(mul(rho, di), mul(mul(w, delta), delta)));
    write(p + i, sub(read(p + i), mul(lr, delta)));
  }
}
