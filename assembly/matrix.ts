// Matrices, row-major without gaps. Every element of a product is summed in the order of k, so that the order does not depend on
// how the product is cut up. src/matrix.ts gives the same bits.
import { add, all, mul, pair, read, single, VECTOR, write } from "./lanes";

const SIZE: usize = sizeof<real>();
const LANES: usize = VECTOR / SIZE;
const LINE: usize = 64 / SIZE;

/** Rows of b in a panel, and its columns in bytes: what stays in the second-level cache while all rows of a pass. */
const DEPTH: usize = 256;
const WIDTH: usize = 512;

/** out = a b, where a has n rows and k columns, and b has m columns. */
export function matmul(n: usize, k: usize, m: usize, a: usize, b: usize, out: usize): void {
  memory.fill(out, 0, n * m * SIZE);
  const row = m * SIZE;
  const whole = (m - (m % LANES)) * SIZE;
  for (let from: usize = 0; from < k; from += DEPTH) {
    const depth = min(DEPTH, k - from);
    const ak = a + from * SIZE;
    const bk = b + from * row;
    for (let left: usize = 0; left < whole; left += WIDTH) {
      const right = min(whole, left + WIDTH);
      let i: usize = 0;
      for (; i + 4 <= n; i += 4) four(depth, k, row, ak + i * k * SIZE, bk, out + i * row, left, right);
      for (; i < n; i++) one(depth, row, ak + i * k * SIZE, bk, out + i * row, left, right);
    }
    for (let i: usize = 0; i < n; i++) rest(depth, row, ak + i * k * SIZE, bk, out + i * row, whole);
  }
}

/** Four rows, two vectors of columns at a time. */
function four(depth: usize, k: usize, row: usize, a: usize, b: usize, out: usize, left: usize, right: usize): void {
  const a1 = a + k * SIZE;
  const a2 = a1 + k * SIZE;
  const a3 = a2 + k * SIZE;
  const o1 = out + row;
  const o2 = o1 + row;
  const o3 = o2 + row;
  let j = left;
  for (; j + 2 * VECTOR <= right; j += 2 * VECTOR) {
    let s0 = read(out + j);
    let s1 = read(o1 + j);
    let s2 = read(o2 + j);
    let s3 = read(o3 + j);
    let t0 = read(out + j + VECTOR);
    let t1 = read(o1 + j + VECTOR);
    let t2 = read(o2 + j + VECTOR);
    let t3 = read(o3 + j + VECTOR);
    for (let x: usize = 0, at = b + j; x < depth * SIZE; x += SIZE, at += row) {
      const b0 = read(at);
      const b1 = read(at + VECTOR);
      const x0 = all(load<real>(a + x));
      const x1 = all(load<real>(a1 + x));
      const x2 = all(load<real>(a2 + x));
      const x3 = all(load<real>(a3 + x));
      s0 = add(s0, mul(x0, b0));
      s1 = add(s1, mul(x1, b0));
      s2 = add(s2, mul(x2, b0));
      s3 = add(s3, mul(x3, b0));
      t0 = add(t0, mul(x0, b1));
      t1 = add(t1, mul(x1, b1));
      t2 = add(t2, mul(x2, b1));
      t3 = add(t3, mul(x3, b1));
    }
    write(out + j, s0);
    write(o1 + j, s1);
    write(o2 + j, s2);
    write(o3 + j, s3);
    write(out + j + VECTOR, t0);
    write(o1 + j + VECTOR, t1);
    write(o2 + j + VECTOR, t2);
    write(o3 + j + VECTOR, t3);
  }
  if (j < right) {
    one(depth, row, a, b, out, j, right);
    one(depth, row, a1, b, o1, j, right);
    one(depth, row, a2, b, o2, j, right);
    one(depth, row, a3, b, o3, j, right);
  }
}

/** One row, a vector of columns at a time. */
function one(depth: usize, row: usize, a: usize, b: usize, out: usize, left: usize, right: usize): void {
  for (let j = left; j < right; j += VECTOR) {
    let s = read(out + j);
    for (let x: usize = 0, at = b + j; x < depth * SIZE; x += SIZE, at += row) {
      s = add(s, mul(all(load<real>(a + x)), read(at)));
    }
    write(out + j, s);
  }
}

/** One row, from the byte `left` to its end: fewer columns than a vector has. */
function rest(depth: usize, row: usize, a: usize, b: usize, out: usize, left: usize): void {
  for (let j = left; j < row; j += SIZE) {
    let s = load<real>(out + j);
    for (let x: usize = 0, at = b + j; x < depth * SIZE; x += SIZE, at += row) {
      s += load<real>(a + x) * load<real>(at);
    }
    store<real>(out + j, s);
  }
}

/** out = the transpose of a, which has n rows and m columns. It goes by as many rows as fill a line of the cache in `out`. */
export function transpose(n: usize, m: usize, a: usize, out: usize): void {
  for (let from: usize = 0; from < n; from += LINE) {
    const end = min(n, from + LINE);
    for (let j: usize = 0; j < m; j++) {
      for (let i = from; i < end; i++) store<real>(out + (j * n + i) * SIZE, load<real>(a + (i * m + j) * SIZE));
    }
  }
}

/** out = the sum of each of n rows of m elements, one by one in float64. */
export function rowSums(n: usize, m: usize, a: usize, out: usize): void {
  for (let i: usize = 0; i < n; i++) {
    let s: f64 = 0;
    for (let j: usize = 0; j < m; j++) s += single(a, i * m + j);
    store<real>(out + i * SIZE, <real>s);
  }
}

/** out = the sum of each of m columns of n elements, one by one in float64. */
export function columnSums(n: usize, m: usize, a: usize, out: usize): void {
  let j: usize = 0;
  for (; j + 2 <= m; j += 2) {
    let s = f64x2.splat(0);
    for (let i: usize = 0; i < n; i++) s = f64x2.add(s, pair(a, i * m + j));
    store<real>(out + j * SIZE, <real>f64x2.extract_lane(s, 0));
    store<real>(out + (j + 1) * SIZE, <real>f64x2.extract_lane(s, 1));
  }
  for (; j < m; j++) {
    let s: f64 = 0;
    for (let i: usize = 0; i < n; i++) s += single(a, i * m + j);
    store<real>(out + j * SIZE, <real>s);
  }
}

/** out = each of n numbers, m times. */
export function spreadRows(n: usize, m: usize, a: usize, out: usize): void {
  for (let i: usize = 0; i < n; i++) {
    const x = load<real>(a + i * SIZE);
    for (let j: usize = 0; j < m; j++) store<real>(out + (i * m + j) * SIZE, x);
  }
}

/** out = m numbers, n times. */
export function spreadColumns(n: usize, m: usize, a: usize, out: usize): void {
  for (let i: usize = 0; i < n; i++) memory.copy(out + i * m * SIZE, a, m * SIZE);
}
