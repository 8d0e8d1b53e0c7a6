// Linear algebra of small matrices in float64, from + - * / and square roots alone, so that every engine has the same bits. Matrices
// are n by n and row-major.

/** The eigenvalues of a symmetric matrix, rising, and an orthonormal eigenvector of each: the rows of `vectors`. */
export interface Eigen {
  readonly values: Float64Array;
  readonly vectors: Float64Array;
}

/** Sweeps of QL for one eigenvalue, at most; two are usual. */
const SWEEPS = 60;

/** What is nothing beside 1, and has a square in range. */
const NOTHING = 2 ** -400;

/**
 * Eigenvalues and eigenvectors of a symmetric matrix: Householder's tridiagonal form, then implicit QL (Wilkinson and Reinsch, 1971,
 * Linear Algebra, II/2 and II/4). All are NaN if an element is not finite.
 */
export function eigenOf(n: number, matrix: ArrayLike<number>): Eigen {
  const scale = scaleOf(matrix);
  if (!Number.isFinite(scale)) return { values: filled(n, Number.NaN), vectors: filled(n * n, Number.NaN) };
  const a = Float64Array.from(matrix, (x) => x / scale);
  const offDiagonal = new Float64Array(n);
  const rows = tridiagonalize(n, a, offDiagonal);
  const values = Float64Array.from({ length: n }, (_, i) => a[i * n + i]);
  diagonalize(n, values, offDiagonal, rows);
  const order = Array.from(values.keys()).sort((i, j) => values[i] - values[j]);
  const vectors = new Float64Array(n * n);
  for (const [k, i] of order.entries()) vectors.set(rows.subarray(i * n, i * n + n), k * n);
  return { values: Float64Array.from(order, (i) => values[i] * scale), vectors };
}

/** The orthogonal factor Q of a matrix Q R, by Householder's reflections. All NaN if an element is not finite. */
export function orthogonalFactor(n: number, matrix: ArrayLike<number>): Float64Array {
  const scale = scaleOf(matrix);
  if (!Number.isFinite(scale)) return filled(n * n, Number.NaN);
  // columns as rows
  const a = new Float64Array(n * n);
  const q = identity(n);
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) a[j * n + i] = matrix[i * n + j] / scale;
  const factors = new Float64Array(n);
  for (let k = 0; k + 1 < n; k++) {
    const column = a.subarray(k * n + k, k * n + n);
    factors[k] = reflector(column);
    for (let j = k + 1; j < n; j++) reflect(column, factors[k], a.subarray(j * n + k, j * n + n));
  }
  for (let k = n - 2; k >= 0; k--) {
    for (let j = k; j < n; j++) reflect(a.subarray(k * n + k, k * n + n), factors[k], q.subarray(j * n + k, j * n + n));
  }
  return transposed(n, q);
}

/**
 * Makes of a the tridiagonal matrix Qᵀ a Q: leaves its diagonal in that of a, and writes the elements beside it. Returns the columns
 * of Q as rows.
 */
function tridiagonalize(n: number, a: Float64Array, beside: Float64Array): Float64Array {
  const factors = new Float64Array(n);
  const w = new Float64Array(n);
  for (let k = 0; k + 1 < n; k++) {
    // the matrix is symmetric: what is right of the diagonal is what is below it
    const v = a.subarray(k * n + k + 1, k * n + n);
    const first = v[0];
    const f = reflector(v);
    factors[k] = f;
    beside[k] = f === 0 ? first : first - v[0];
    if (f === 0) continue;
    // a ← a - v wᵀ - w vᵀ
    let dot = 0;
    for (let i = 0; i < v.length; i++) {
      const row = a.subarray((k + 1 + i) * n + k + 1, (k + 2 + i) * n);
      let sum = 0;
      for (let j = 0; j < v.length; j++) sum += row[j] * v[j];
      w[i] = f * sum;
      dot += w[i] * v[i];
    }
    const share = (f / 2) * dot;
    for (let i = 0; i < v.length; i++) w[i] -= share * v[i];
    for (let i = 0; i < v.length; i++) {
      const row = a.subarray((k + 1 + i) * n + k + 1, (k + 2 + i) * n);
      for (let j = 0; j < v.length; j++) row[j] -= v[i] * w[j] + w[i] * v[j];
    }
  }
  const rows = identity(n);
  for (let k = n - 2; k >= 0; k--) {
    const v = a.subarray(k * n + k + 1, k * n + n);
    for (let j = k + 1; j < n; j++) reflect(v, factors[k], rows.subarray(j * n + k + 1, j * n + n));
  }
  return rows;
}

/** Brings a tridiagonal matrix to diagonal form by rotations, and applies them to rows. */
function diagonalize(n: number, diagonal: Float64Array, beside: Float64Array, rows: Float64Array): void {
  for (let l = 0; l < n; l++) {
    for (let sweep = 0; sweep < SWEEPS; sweep++) {
      const end = endOfBlock(n, l, diagonal, beside);
      if (end === l) break;
      sweepUp(n, l, end, diagonal, beside, rows);
    }
  }
}

/** The last row of the block that starts with row l: the first that has nothing beside it. */
function endOfBlock(n: number, l: number, diagonal: Float64Array, beside: Float64Array): number {
  let m = l;
  for (; m + 1 < n; m++) {
    const size = Math.abs(diagonal[m]) + Math.abs(diagonal[m + 1]);
    if (Math.abs(beside[m]) <= Math.max(Number.EPSILON * size, NOTHING)) break;
  }
  return m;
}

/** One step of QL with Wilkinson's shift on the rows from l to m. */
function sweepUp(
  n: number,
  l: number,
  m: number,
  diagonal: Float64Array,
  beside: Float64Array,
  rows: Float64Array,
): void {
  const half = (diagonal[l + 1] - diagonal[l]) / (2 * beside[l]);
  const root = length(half, 1);
  const shift = diagonal[l] - beside[l] / (half + (half < 0 ? -root : root));
  let g = diagonal[m] - shift;
  let s = 1;
  let c = 1;
  let p = 0;
  for (let i = m - 1; i >= l; i--) {
    const f = s * beside[i];
    const b = c * beside[i];
    const r = length(f, g);
    beside[i + 1] = r;
    if (r === 0) {
      // the block falls apart
      diagonal[i + 1] -= p;
      beside[m] = 0;
      return;
    }
    s = f / r;
    c = g / r;
    g = diagonal[i + 1] - p;
    const t = (diagonal[i] - g) * s + 2 * c * b;
    p = s * t;
    diagonal[i + 1] = g + p;
    g = c * t - b;
    rotate(n, rows, i, c, s);
  }
  diagonal[l] -= p;
  beside[l] = g;
  beside[m] = 0;
}

/** Rotates rows i and i + 1. */
function rotate(n: number, rows: Float64Array, i: number, c: number, s: number): void {
  for (let a = i * n, b = a + n; a < i * n + n; a++, b++) {
    const y = rows[b];
    rows[b] = s * rows[a] + c * y;
    rows[a] = c * rows[a] - s * y;
  }
}

/** The length of (a, b), without overflow. */
function length(a: number, b: number): number {
  const [x, y] = [Math.abs(a), Math.abs(b)];
  const [small, large] = x < y ? [x, y] : [y, x];
  if (small === 0) return large;
  const ratio = small / large;
  return large * Math.sqrt(1 + ratio * ratio);
}

/** The power of two next to the largest element, or 1 if all are 0: what is divided by it has squares in range. */
function scaleOf(matrix: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < matrix.length; i++) largest = Math.max(largest, Math.abs(matrix[i]));
  if (largest === 0 || !Number.isFinite(largest)) return largest === 0 ? 1 : largest;
  let scale = 1;
  for (; scale < largest && scale < 2 ** 1023; scale *= 2);
  for (; scale / 2 > largest; scale /= 2);
  return scale;
}

function filled(length: number, value: number): Float64Array {
  return new Float64Array(length).fill(value);
}

function identity(n: number): Float64Array {
  const matrix = new Float64Array(n * n);
  for (let i = 0; i < n; i++) matrix[i * n + i] = 1;
  return matrix;
}

function transposed(n: number, matrix: Float64Array): Float64Array {
  return matrix.map((_, i) => matrix[(i % n) * n + Math.floor(i / n)]);
}

/**
 * Makes of x the vector v of the reflection 1 - f v vᵀ that leaves only its first element; returns f, which is 0 if the others are
 * nothing.
 */
function reflector(x: Float64Array): number {
  let rest = 0;
  for (let i = 1; i < x.length; i++) rest += x[i] * x[i];
  if (rest < NOTHING * NOTHING) return 0;
  const norm = Math.sqrt(x[0] * x[0] + rest);
  x[0] += x[0] < 0 ? -norm : norm;
  return 2 / (x[0] * x[0] + rest);
}

/** x ← x - f v (v · x) */
function reflect(v: Float64Array, f: number, x: Float64Array): void {
  if (f === 0) return;
  let dot = 0;
  for (let i = 0; i < v.length; i++) dot += v[i] * x[i];
  const share = f * dot;
  for (let i = 0; i < v.length; i++) x[i] -= share * v[i];
}
