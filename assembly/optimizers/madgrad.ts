import { add, cbrt, div, mul, read, scalar, sub, VECTOR, write } from "../lanes";

export function madgrad(n: usize, p: usize, g: usize, s: usize, q: usize, h: usize): void {
  const keep = scalar(h, 0);
  const lambda = scalar(h, 1);
  const eps = scalar(h, 2);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const gi = read(g + i);
    const sOld = read(s + i);
    const qOld = read(q + i);
    const start = add(mul(keep, read(p + i)), div(sOld, add(cbrt(qOld), eps)));
    const si = add(sOld, mul(lambda, gi));
    const qi = add(qOld, mul(mul(lambda, gi), gi));
    write(s + i, si);
    write(q + i, qi);
    write(p + i, sub(start, div(si, add(cbrt(qi), eps))));
  }
}

export function madgradMomentum(n: usize, p: usize, g: usize, s: usize, q: usize, x0: usize, h: usize): void {
  const keep = scalar(h, 0);
  const lambda = scalar(h, 1);
  const eps = scalar(h, 2);
  const mu = scalar(h, 3);
  const w = scalar(h, 4);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const gi = read(g + i);
    const si = add(read(s + i), mul(lambda, gi));
    const qi = add(read(q + i), mul(mul(lambda, gi), gi));
    const zi = sub(read(x0 + i), div(si, add(cbrt(qi), eps)));
    write(s + i, si);
    write(q + i, qi);
    write(p + i, add(mul(mu, mul(keep, read(p + i))), mul(w, zi)));
  }
}
