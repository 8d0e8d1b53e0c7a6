import { add, mul, type Reals } from "./real.js";

// Matrices, row-major without gaps. Every element of a product is summed in the order of k, so that the order does not depend on
// how the product is cut up. assembly/matrix.ts gives the same bits.

/** out = a b, where a has n rows and k columns, and b has m columns. */
export function matmul(n: number, k: number, m: number, a: Reals, b: Reals, out: Reals): void {
  for (let i = 0; i < n; i++) {
    const row = i * m;
    out.fill(0, row, row + m);
    for (let x = 0; x < k; x++) {
      const ax = a[i * k + x];
      for (let j = 0; j < m; j++) out[row + j] = add(out[row + j], mul(ax, b[x * m + j]));
    }
  }
}

/** out = the transpose of a, which has n rows and m columns. */
export function transpose(n: number, m: number, a: Reals, out: Reals): void {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < m; j++) out[j * n + i] = a[i * m + j];
  }
}

/** out = the sum of each of n rows of m elements, one by one in float64. */
export function rowSums(n: number, m: number, a: Reals, out: Reals): void {
  for (let i = 0; i < n; i++) {
    let s = 0;
    for (let j = 0; j < m; j++) s += a[i * m + j];
    out[i] = s;
  }
}

/** out = the sum of each of m columns of n elements, one by one in float64. */
export function columnSums(n: number, m: number, a: Reals, out: Reals): void {
  for (let j = 0; j < m; j++) {
    let s = 0;
    for (let i = 0; i < n; i++) s += a[i * m + j];
    out[j] = s;
  }
}

/** out = each of n numbers, m times. */
export function spreadRows(n: number, m: number, a: Reals, out: Reals): void {
  for (let i = 0; i < n; i++) out.fill(a[i], i * m, i * m + m);
}

/** out = m numbers, n times. */
export function spreadColumns(n: number, m: number, a: Reals, out: Reals): void {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < m; j++) out[i * m + j] = a[j];
  }
}

/** out = the sum of the squares along the middle axis of a, which has n by m by k elements, one by one in float64. */
export function axisSquares(n: number, m: number, k: number, a: Reals, out: Reals): void {
  for (let i = 0; i < n; i++) {
    for (let l = 0; l < k; l++) {
      let s = 0;
      for (let j = 0; j < m; j++) {
        const x = a[(i * m + j) * k + l];
        s += x * x;
      }
      out[i * k + l] = s;
    }
  }
}

/** out = n by k numbers, m times along a middle axis. */
export function spreadAxis(n: number, m: number, k: number, a: Reals, out: Reals): void {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < m; j++) {
      for (let l = 0; l < k; l++) out[(i * m + j) * k + l] = a[i * k + l];
    }
  }
}

/** out = the smaller of itself, n by m by k elements, and of m numbers along the middle axis; NaN if one of them is. */
export function lowerAxis(n: number, m: number, k: number, a: Reals, out: Reals): void {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < m; j++) {
      for (let l = 0; l < k; l++) {
        const at = (i * m + j) * k + l;
        out[at] = Math.min(out[at], a[j]);
      }
    }
  }
}

/** out = the largest of n by m by k elements for each of m places along the middle axis; NaN if one of them is. */
export function axisMaxima(n: number, m: number, k: number, a: Reals, out: Reals): void {
  out.fill(-Infinity, 0, m);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < m; j++) {
      for (let l = 0; l < k; l++) out[j] = Math.max(out[j], a[(i * m + j) * k + l]);
    }
  }
}
