import { add, div, mul, read, scalar, sqrt, sub, VECTOR, write } from "../lanes";

export function dadaptRatio(n: usize, v: usize, s: usize, out: usize, h: usize): void {
  const eps = scalar(h, 0);
  for (let i: usize = 0; i < n; i += VECTOR) {
    write(out + i, div(read(s + i), add(sqrt(read(v + i)), eps)));
  }
}

export function dadaptMoments(n: usize, g: usize, m: usize, v: usize, s: usize, h: usize): void {
  const b1 = scalar(h, 0);
  const w1 = scalar(h, 1);
  const b2 = scalar(h, 2);
  const w2 = scalar(h, 3);
  const b3 = scalar(h, 4);
  const w3 = scalar(h, 5);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const gi = read(g + i);
    write(m + i, add(mul(b1, read(m + i)), mul(w1, gi)));
    write(v + i, add(mul(b2, read(v + i)), mul(mul(w2, gi), gi)));
    write(s + i, add(mul(b3, read(s + i)), mul(w3, gi)));
  }
}

export function dadaptStep(n: usize, p: usize, m: usize, v: usize, h: usize): void {
  const keep = scalar(h, 0);
  const rate = scalar(h, 1);
  const eps = scalar(h, 2);
  for (let i: usize = 0; i < n; i += VECTOR) {
    write(p + i, sub(mul(keep, read(p + i)), div(mul(rate, read(m + i)), add(sqrt(read(v + i)), eps))));
  }
}
