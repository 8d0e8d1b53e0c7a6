// Dense linear algebra in float64, of + - * / and square roots alone, so that every engine gives the same bits. Matrices are
// square and row-major.

/** Rotations go on until every element is this small against the diagonal. */
const TINY = 2 ** -52;

/** Sweeps after which to stop: some eight are enough, but noise below the rounding of the largest elements never settles. */
const SWEEPS = 15;

/**
 * The eigenvalues of a symmetric matrix, and its eigenvectors as the columns of an orthogonal one: Jacobi's rotations, which find
 * small eigenvalues of a positive definite matrix as exactly as large ones (Demmel and Veselić, 1992).
 */
export function eigen(matrix: Float64Array, n: number): { values: Float64Array; vectors: Float64Array } {
  const a = matrix.slice();
  const vectors = identity(n);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    let rotations = 0;
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) if (rotate(a, vectors, n, p, q)) rotations++;
    }
    if (rotations === 0) break;
  }
  return { values: Float64Array.from({ length: n }, (_, i) => a[i * n + i]), vectors };
}

/** Makes a[p, q] zero by a rotation of both axes; false if it is small already. */
function rotate(a: Float64Array, vectors: Float64Array, n: number, p: number, q: number): boolean {
  const pp = a[p * n + p];
  const qq = a[q * n + q];
  const pq = a[p * n + q];
  if (!(Math.abs(pq) > TINY * Math.sqrt(Math.abs(pp)) * Math.sqrt(Math.abs(qq)))) return false;
  const theta = (qq - pp) / (2 * pq);
  const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
  const c = 1 / Math.sqrt(t * t + 1);
  const s = t * c;
  for (let k = 0; k < n; k++) {
    if (k === p || k === q) continue;
    const kp = a[k * n + p];
    const kq = a[k * n + q];
    a[k * n + p] = a[p * n + k] = c * kp - s * kq;
    a[k * n + q] = a[q * n + k] = s * kp + c * kq;
  }
  a[p * n + p] = pp - t * pq;
  a[q * n + q] = qq + t * pq;
  a[p * n + q] = a[q * n + p] = 0;
  for (let k = 0; k < n; k++) {
    const kp = vectors[k * n + p];
    const kq = vectors[k * n + q];
    vectors[k * n + p] = c * kp - s * kq;
    vectors[k * n + q] = s * kp + c * kq;
  }
  return true;
}

/** The orthogonal factor of a matrix: Householder's reflections. */
export function orthogonalize(matrix: Float64Array, n: number): Float64Array {
  const r = matrix.slice();
  const q = identity(n);
  for (let k = 0; k < n; k++) {
    const v = reflector(r, n, k);
    if (!v) continue;
    reflect(r, n, v, k);
    reflect(q, n, v, k);
  }
  // the reflections, one after the other, are the transpose
  return transposed(q, n);
}

/** The unit vector whose reflection clears column k below the diagonal; undefined if it is clear. */
function reflector(r: Float64Array, n: number, k: number): Float64Array | undefined {
  const v = new Float64Array(n);
  let square = 0;
  for (let i = k; i < n; i++) {
    v[i] = r[i * n + k];
    square += v[i] * v[i];
  }
  const below = square - v[k] * v[k];
  if (below === 0) return undefined;
  v[k] += v[k] < 0 ? -Math.sqrt(square) : Math.sqrt(square);
  let length = 0;
  for (let i = k; i < n; i++) length += v[i] * v[i];
  length = Math.sqrt(length);
  for (let i = k; i < n; i++) v[i] /= length;
  return v;
}

/** a = (I - 2 v vᵀ) a, where v starts at k. */
function reflect(a: Float64Array, n: number, v: Float64Array, k: number): void {
  for (let j = 0; j < n; j++) {
    let dot = 0;
    for (let i = k; i < n; i++) dot += v[i] * a[i * n + j];
    for (let i = k; i < n; i++) a[i * n + j] -= 2 * dot * v[i];
  }
}

/** a b */
export function product(a: Float64Array, b: Float64Array, n: number): Float64Array {
  const out = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < n; k++) {
      const x = a[i * n + k];
      for (let j = 0; j < n; j++) out[i * n + j] += x * b[k * n + j];
    }
  }
  return out;
}

export function transposed(a: Float64Array, n: number): Float64Array {
  return Float64Array.from({ length: n * n }, (_, k) => a[(k % n) * n + Math.floor(k / n)]);
}

/** The columns of a matrix in another order. */
export function columns(a: Float64Array, n: number, order: readonly number[]): Float64Array {
  return Float64Array.from({ length: n * n }, (_, k) => a[Math.floor(k / n) * n + order[k % n]]);
}

/** The indices of numbers, the largest first. */
export function descending(values: Float64Array): number[] {
  return [...values.keys()].sort((i, j) => values[j] - values[i] || i - j);
}

function identity(n: number): Float64Array {
  const a = new Float64Array(n * n);
  for (let i = 0; i < n; i++) a[i * n + i] = 1;
  return a;
}
