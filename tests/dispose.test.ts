// What is left of an optimizer after dispose(): every member there is, also those that are added later.
import { expect, test } from "vitest";
// the build, where the classes of the tables are
import * as gradstep from "../dist/index.js";
import { load, save } from "../dist/safetensors.js";
import { backends, make, type Subject } from "./helpers.js";
import { classes } from "./tables.js";

const { GradientCentralization, GrokfastEMA, GrokfastMA, Lookahead, stepRows } = gradstep;

/** What can still be read, and what it is then. */
const left: Readonly<Record<string, unknown>> = {
  steps: 1,
  skipped: 0,
  gradNorm: expect.any(Number),
  bytes: 0,
  threads: 1,
  backend: expect.any(String),
  dtype: "f32",
};

/** What may be called, and what a wrapper shows only to those that extend it. */
const open = ["constructor", "dispose", "optimizer", "base", "keep"];

function membersOf(opt: object): string[] {
  const names = new Set(Object.getOwnPropertyNames(opt));
  for (let from = Object.getPrototypeOf(opt); from !== Object.prototype; from = Object.getPrototypeOf(from)) {
    for (const name of Object.getOwnPropertyNames(from)) names.add(name);
  }
  return [...names].filter((name) => !open.includes(name));
}

function descriptorOf(opt: object, name: string): PropertyDescriptor {
  for (let from = opt; from !== null; from = Object.getPrototypeOf(from)) {
    const found = Object.getOwnPropertyDescriptor(from, name);
    if (found) return found;
  }
  throw new Error(name);
}

const used = /^\w+: used after dispose\(\)$/;

function made(backend: string): Subject[] {
  const all = classes.map((made) => {
    const opt = make(made, { w: [2, 2] }, { backend });
    for (const once of made.rule.once ?? []) opt[once] = 1;
    opt.step("minimize" in made.rule ? () => 1 : undefined);
    return opt;
  });
  const wrapped = [Lookahead, GrokfastEMA, GrokfastMA, GradientCentralization].map((wrapper) => {
    return make(wrapper, make(gradstep.ScheduleFreeSGD, { w: [2, 2] }, { backend })).step();
  });
  return [...all, ...wrapped];
}

test.each(backends)("after dispose() counts can be read, and nothing else (%s)", async (backend) => {
  for (const opt of made(backend)) {
    const dict = opt.stateDict();
    const file = save(opt as never);
    const { params } = opt;
    opt.dispose();
    opt.dispose();
    for (const name of membersOf(opt)) {
      const what = `${opt.constructor.name}.${name}`;
      const { value, get, set } = descriptorOf(opt, name);
      const read = () => opt[name] as unknown;
      if (name in left) expect(read(), what).toEqual(left[name]);
      else if (name === "stepAsync") await expect(opt.stepAsync(), what).rejects.toThrow(used);
      else if (typeof value === "function") expect(() => value.call(opt), what).toThrow(used);
      else if (get) {
        // a wrapper shows the methods of what is in it
        const act = () => {
          const shown = read();
          if (typeof shown === "function") shown.call(opt);
        };
        expect(act, what).toThrow(used);
        const assign = () => {
          opt[name] = 0.5;
        };
        if (set && !Object.hasOwn(opt, name)) expect(assign, what).toThrow(used);
      } else throw new Error(`${what} is not in the table`);
    }
    for (const act of [
      () => stepRows(opt as never, {} as never),
      () => save(opt as never),
      () => load(opt as never, file),
      () => opt.loadStateDict(dict),
      () => make(Lookahead, opt),
    ]) {
      expect(act).toThrow();
    }
    expect(params.w).toHaveLength(4);
  }
});
