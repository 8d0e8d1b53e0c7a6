import { add, mul, read, scalar, sub, VECTOR, write } from "../lanes";

export function mars(n: usize, out: usize, g: usize, previous: usize, h: usize): void {
  const share = scalar(h, 0);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const gi = read(g + i);
    const change = sub(gi, read(previous + i));
    write(previous + i, gi);
    write(out + i, add(gi, mul(share, change)));
  }
}
