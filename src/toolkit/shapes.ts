import { describe, isRecord } from "../check.js";
import { sizeOf } from "../layout.js";
import type { Reals } from "../real.js";

/** The shapes of arrays by name or in a list, the shape of one, or an optimizer that has parameters of these names. */
export type Shapes =
  | readonly number[]
  | readonly (readonly number[])[]
  | { readonly [name: string]: readonly number[] }
  | { readonly shapes: object; step(...args: never[]): unknown };

/** The shape of each of the arrays. Throws unless it is one of the array's length. */
export function readShapes(who: string, shapes: unknown, arrays: Readonly<Record<string, Reals>>): readonly number[][] {
  const given = shapesOf(who, shapes);
  return Object.entries(arrays).map(([name, { length }]) => {
    const shape = Object.hasOwn(given, name) ? given[name] : undefined;
    if (!isShape(shape)) {
      throw new TypeError(`${who}: the shape of "${name}" must be a list of whole numbers, got ${describe(shape)}`);
    }
    if (sizeOf(shape) !== length) {
      throw new RangeError(`${who}: "${name}" has length ${length}, expected ${sizeOf(shape)} for its shape`);
    }
    return shape;
  });
}

function shapesOf(who: string, shapes: unknown): Readonly<Record<string, unknown>> {
  if (isShape(shapes)) return { 0: shapes };
  if (Array.isArray(shapes)) return shapes as never;
  if (!isRecord(shapes)) {
    throw new TypeError(`${who}: shapes must be shapes by name, a list, or an optimizer, got ${describe(shapes)}`);
  }
  // a shape is no function, so this is an optimizer
  return typeof shapes.step === "function" ? (shapes.shapes as Readonly<Record<string, unknown>>) : shapes;
}

function isShape(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);
}
