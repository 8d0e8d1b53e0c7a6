import { add, all, div, lerp, mul, read, scalar, sqrt, sub, VECTOR, write } from "../lanes";

export function adan(n: usize, p: usize, g: usize, m: usize, d: usize, v: usize, previous: usize, h: usize): void {
  const keep = scalar(h, 0);
  const shrink = scalar(h, 1);
  const momentumStep = scalar(h, 2);
  const differenceStep = scalar(h, 3);
  const w1 = scalar(h, 4);
  const w2 = scalar(h, 5);
  const share = scalar(h, 6);
  const b3 = scalar(h, 7);
  const w3 = scalar(h, 8);
  const root = scalar(h, 9);
  const eps = scalar(h, 10);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const gi = read(g + i);
    const change = sub(gi, read(previous + i));
    const mi = lerp(read(m + i), gi, w1);
    const di = lerp(read(d + i), change, w2);
    const ahead = add(gi, mul(share, change));
    const vi = add(mul(b3, read(v + i)), mul(mul(w3, ahead), ahead));
    const step = add(mul(momentumStep, mi), mul(differenceStep, di));
    const moved = sub(mul(keep, read(p + i)), div(step, add(sqrt(add(vi, root)), eps)));
    write(m + i, mi);
    write(d + i, di);
    write(v + i, vi);
    write(previous + i, gi);
    write(p + i, mul(shrink, moved));
  }
}

export function adanStart(n: usize, p: usize, g: usize, m: usize, d: usize, v: usize, previous: usize, h: usize): void {
  const keep = scalar(h, 0);
  const shrink = scalar(h, 1);
  const momentumStep = scalar(h, 2);
  const differenceStep = scalar(h, 3);
  const w1 = scalar(h, 4);
  const w2 = scalar(h, 5);
  const share = scalar(h, 6);
  const b3 = scalar(h, 7);
  const w3 = scalar(h, 8);
  const root = scalar(h, 9);
  const eps = scalar(h, 10);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const gi = read(g + i);
    const change = all(0);
    const mi = lerp(read(m + i), gi, w1);
    const di = lerp(read(d + i), change, w2);
    const ahead = add(gi, mul(share, change));
    const vi = add(mul(b3, read(v + i)), mul(mul(w3, ahead), ahead));
    const step = add(mul(momentumStep, mi), mul(differenceStep, di));
    const moved = sub(mul(keep, read(p + i)), div(step, add(sqrt(add(vi, root)), eps)));
    write(m + i, mi);
    write(d + i, di);
    write(v + i, vi);
    write(previous + i, gi);
    write(p + i, mul(shrink, moved));
  }
}

export function adanMomentum(n: usize, step: usize, m: usize, v: usize, h: usize): void {
  const rate = scalar(h, 0);
  const root = scalar(h, 1);
  const eps = scalar(h, 2);
  for (let i: usize = 0; i < n; i += VECTOR) {
    write(step + i, div(mul(rate, read(m + i)), add(sqrt(add(read(v + i), root)), eps)));
  }
}
