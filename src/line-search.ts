// A step length that satisfies the strong Wolfe conditions, as PyTorch finds it: Nocedal and Wright, 2006, Numerical Optimization,
// algorithms 3.5 and 3.6, with cubic interpolation.

/** A point on the line: how far along, the value and the slope there, and the buffer that has its gradient. */
export interface Point {
  readonly t: number;
  readonly value: number;
  readonly slope: number;
  readonly gradient: string;
}

/** What a search moves along. */
export interface Line {
  /** The largest element of its direction. */
  readonly size: number;
  /** Evaluates the point at t; its gradient is in the buffer that the last point evaluated had. */
  evaluate(t: number): Point;
  /** A point whose gradient stays, in a buffer that none of the points `inUse` has. */
  keep(point: Point, inUse: readonly Point[]): Point;
}

const DECREASE = 1e-4;
const CURVATURE = 0.9;

/** Searches from `start`, beginning with the step `t`, in at most `most` evaluations after the first. */
export function strongWolfe(line: Line, start: Point, t: number, most: number, tolerance: number): Point {
  const isHigh = (point: Point) => point.value > start.value + DECREASE * point.t * start.slope;
  const isFlat = (point: Point) => Math.abs(point.slope) <= -CURVATURE * start.slope;
  let left = most;

  // a bracket: two points between which a minimum lies
  let previous = start;
  let point = line.evaluate(t);
  for (;;) {
    if (left === 0) {
      previous = start;
      break;
    }
    if (isHigh(point) || (most - left > 1 && point.value >= previous.value)) break;
    if (isFlat(point)) return point;
    if (point.slope >= 0) break;
    const next = cubic(previous, point, point.t + 0.01 * (point.t - previous.t), point.t * 10);
    previous = line.keep(point, []);
    point = line.evaluate(next);
    left--;
  }
  let [low, high] = ordered(previous, line.keep(point, [previous]));

  // the bracket shrinks
  let stuck = false;
  while (left > 0) {
    const [from, to] = low.t < high.t ? [low.t, high.t] : [high.t, low.t];
    if ((to - from) * line.size < tolerance) break;
    let next = cubic(low, high, from, to);
    const margin = 0.1 * (to - from);
    if (Math.min(to - next, next - from) < margin) {
      const beyond: boolean = stuck || next >= to || next <= from;
      if (beyond) next = Math.abs(next - to) < Math.abs(next - from) ? to - margin : from + margin;
      stuck = !beyond;
    } else stuck = false;
    point = line.evaluate(next);
    left--;
    if (isHigh(point) || point.value >= low.value) {
      [low, high] = ordered(low, line.keep(point, [low]));
      continue;
    }
    if (isFlat(point)) return point;
    if (point.slope * (high.t - low.t) >= 0) high = low;
    low = line.keep(point, [high]);
  }
  return low;
}

function ordered(a: Point, b: Point): [low: Point, high: Point] {
  return a.value <= b.value ? [a, b] : [b, a];
}

/** Where the cubic through two points with their slopes is least, in [from, to]. */
function cubic(a: Point, b: Point, from: number, to: number): number {
  const d = a.slope + b.slope - (3 * (a.value - b.value)) / (a.t - b.t);
  const square = d * d - a.slope * b.slope;
  if (!(square >= 0)) return (from + to) / 2;
  const [left, right] = a.t <= b.t ? [a, b] : [b, a];
  const root = Math.sqrt(square);
  const least = right.t - (right.t - left.t) * ((right.slope + root - d) / (right.slope - left.slope + 2 * root));
  return Math.min(Math.max(least, from), to);
}
