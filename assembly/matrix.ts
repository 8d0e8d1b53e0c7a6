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

/** out = the sum of the squares along the middle axis of a, which has n by m by k elements, one by one in float64. */
export function axisSquares(n: usize, m: usize, k: usize, a: usize, out: usize): void {
  if (k === 1) {
    rowSquares(n, m, a, out);
    return;
  }
  for (let i: usize = 0; i < n; i++) {
    const plane = a + i * m * k * SIZE;
    const sums = out + i * k * SIZE;
    let l: usize = 0;
    // a line of the cache, or half of one
    for (; l + 8 <= k; l += 8) {
      let s0 = f64x2.splat(0);
      let s1 = s0;
      let s2 = s0;
      let s3 = s0;
      for (let j: usize = 0; j < m; j++) {
        const at = j * k + l;
        s0 = f64x2.add(s0, squares(plane, at));
        s1 = f64x2.add(s1, squares(plane, at + 2));
        s2 = f64x2.add(s2, squares(plane, at + 4));
        s3 = f64x2.add(s3, squares(plane, at + 6));
      }
      storePair(sums, l, s0);
      storePair(sums, l + 2, s1);
      storePair(sums, l + 4, s2);
      storePair(sums, l + 6, s3);
    }
    for (; l < k; l++) {
      let s: f64 = 0;
      for (let j: usize = 0; j < m; j++) s += squareOf(plane, j * k + l);
      store<real>(sums + l * SIZE, <real>s);
    }
  }
}

/** Of four rows at a time, because each sum waits for the one before. */
function rowSquares(n: usize, m: usize, a: usize, out: usize): void {
  let i: usize = 0;
  for (; i + 4 <= n; i += 4) {
    const row = i * m;
    let s0: f64 = 0;
    let s1: f64 = 0;
    let s2: f64 = 0;
    let s3: f64 = 0;
    for (let j: usize = 0; j < m; j++) {
      s0 += squareOf(a, row + j);
      s1 += squareOf(a, row + m + j);
      s2 += squareOf(a, row + 2 * m + j);
      s3 += squareOf(a, row + 3 * m + j);
    }
    store<real>(out + i * SIZE, <real>s0);
    store<real>(out + (i + 1) * SIZE, <real>s1);
    store<real>(out + (i + 2) * SIZE, <real>s2);
    store<real>(out + (i + 3) * SIZE, <real>s3);
  }
  for (; i < n; i++) {
    let s: f64 = 0;
    for (let j: usize = 0; j < m; j++) s += squareOf(a, i * m + j);
    store<real>(out + i * SIZE, <real>s);
  }
}

function squareOf(x: usize, i: usize): f64 {
  const xi = single(x, i);
  return xi * xi;
}

function squares(x: usize, i: usize): v128 {
  const xi = pair(x, i);
  return f64x2.mul(xi, xi);
}

function storePair(out: usize, i: usize, s: v128): void {
  store<real>(out + i * SIZE, <real>f64x2.extract_lane(s, 0));
  store<real>(out + (i + 1) * SIZE, <real>f64x2.extract_lane(s, 1));
}

/** out = n by k numbers, m times along a middle axis. */
export function spreadAxis(n: usize, m: usize, k: usize, a: usize, out: usize): void {
  if (k === 1) {
    spreadRows(n, m, a, out);
    return;
  }
  for (let i: usize = 0; i < n; i++) {
    for (let j: usize = 0; j < m; j++) memory.copy(out + (i * m + j) * k * SIZE, a + i * k * SIZE, k * SIZE);
  }
}

/** out = the smaller of itself, n by m by k elements, and of m numbers along the middle axis; NaN if one of them is. */
export function lowerAxis(n: usize, m: usize, k: usize, a: usize, out: usize): void {
  for (let i: usize = 0; i < n; i++) {
    const plane = out + i * m * k * SIZE;
    if (k === 1) {
      let j: usize = 0;
      for (; j + LANES <= m; j += LANES) {
        const at = plane + j * SIZE;
        write(at, v128.min<real>(read(at), read(a + j * SIZE)));
      }
      for (; j < m; j++) lower(plane + j * SIZE, load<real>(a + j * SIZE));
    } else {
      for (let j: usize = 0; j < m; j++) lowerRow(k, plane + j * k * SIZE, load<real>(a + j * SIZE));
    }
  }
}

function lowerRow(k: usize, row: usize, x: real): void {
  const xs = all(x);
  let l: usize = 0;
  for (; l + LANES <= k; l += LANES) write(row + l * SIZE, v128.min<real>(read(row + l * SIZE), xs));
  for (; l < k; l++) lower(row + l * SIZE, x);
}

function lower(at: usize, x: real): void {
  store<real>(at, min<real>(load<real>(at), x));
}

/** out = the largest of n by m by k elements for each of m places along the middle axis; NaN if one of them is. */
export function axisMaxima(n: usize, m: usize, k: usize, a: usize, out: usize): void {
  for (let j: usize = 0; j < m; j++) store<real>(out + j * SIZE, -Infinity);
  for (let i: usize = 0; i < n; i++) {
    const plane = a + i * m * k * SIZE;
    if (k === 1) {
      let j: usize = 0;
      for (; j + LANES <= m; j += LANES) {
        const at = out + j * SIZE;
        write(at, v128.max<real>(read(at), read(plane + j * SIZE)));
      }
      for (; j < m; j++) raise(out + j * SIZE, load<real>(plane + j * SIZE));
    } else {
      for (let j: usize = 0; j < m; j++) raise(out + j * SIZE, largest(k, plane + j * k * SIZE));
    }
  }
}

function largest(k: usize, row: usize): real {
  let result: real = -Infinity;
  let maxima = all(result);
  let l: usize = 0;
  for (; l + LANES <= k; l += LANES) maxima = v128.max<real>(maxima, read(row + l * SIZE));
  result = max<real>(v128.extract_lane<real>(maxima, 0), v128.extract_lane<real>(maxima, 1));
  if (sizeof<real>() === 4) {
    result = max<real>(result, v128.extract_lane<real>(maxima, <u8>(2 % LANES)));
    result = max<real>(result, v128.extract_lane<real>(maxima, <u8>(3 % LANES)));
  }
  for (; l < k; l++) result = max<real>(result, load<real>(row + l * SIZE));
  return result;
}

function raise(at: usize, x: real): void {
  store<real>(at, max<real>(load<real>(at), x));
}
