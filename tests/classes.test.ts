import { describe, expect, test } from "vitest";
import * as gradstep from "../src/index.js";
import { Adam, AdamW, optimizers, RMSprop } from "../src/index.js";
import { expectSame, make, start, train } from "./helpers.js";
import { classes } from "./tables.js";

describe("classes", () => {
  test("optimizers has every class under its canonical name", () => {
    expect(optimizers.adamw).toBe(AdamW);
    expect(Object.isFrozen(optimizers)).toBe(true);
    const exported = Object.values(gradstep).filter((value) => typeof value === "function" && "optimizer" in value);
    expect(new Set(Object.values(optimizers))).toEqual(new Set(exported));
    for (const [name, made] of Object.entries(optimizers)) {
      expect(made.optimizer).toBe(name);
      expect(name).toBe((made as unknown as { name: string }).name.toLowerCase());
    }
  });

  test("defaults are frozen, and are the options of an optimizer made without any", () => {
    for (const made of classes) {
      expect(Object.isFrozen(made.defaults)).toBe(true);
      expect(made.defaults).toHaveProperty("lr");
      expect(made.defaults).toHaveProperty("weightDecay");
      expect(made.defaults).toHaveProperty("maximize", false);
      for (const name of ["dtype", "backend", "threads"]) expect(made.defaults).not.toHaveProperty(name);
      const opt = make(made, { w: 1 });
      const { names, ...options } = opt.groups[0];
      expect(names).toEqual(["w"]);
      expect(options).toEqual(made.defaults);
      for (const [name, value] of Object.entries(made.defaults)) expect(opt[name]).toBe(value);
    }
    expect(AdamW.defaults).toMatchObject({ lr: 1e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 1e-2 });
    expect(RMSprop.defaults).toMatchObject({ lr: 1e-2, alpha: 0.99, momentum: 0, centered: false });
  });

  test("the defaults can be handed over as options", () => {
    for (const made of classes) {
      const spread = train(start(make(made, { w: 7 }, { ...made.defaults })), 3);
      expectSame(spread, train(start(make(made, { w: 7 })), 3));
    }
  });

  test("each convention has defaults of its own, frozen, and the first has those of the class", () => {
    for (const made of classes) {
      const names = Object.keys(made.conventions);
      expect(Object.isFrozen(made.conventions)).toBe(true);
      expect(made.defaults.convention).toBe(names[0]);
      for (const convention of names) {
        const defaults = made.conventions[convention];
        expect(Object.isFrozen(defaults)).toBe(true);
        expect(Object.keys(defaults)).toEqual(Object.keys(made.defaults));
        if (convention === names[0]) expect(defaults).toEqual(made.defaults);
        const asked = make(made, { w: 7 }, { convention });
        const { names: _, ...options } = asked.groups[0];
        expect(options).toEqual(defaults);
        expect(options.convention).toBe(convention);
        expectSame(train(start(asked), 3), train(start(make(made, { w: 7 }, { ...defaults })), 3));
      }
    }
  });

  test("options given stand over the convention's defaults, and a group can have another convention", () => {
    const opt = make(
      AdamW,
      [
        { params: { a: 1 } },
        { params: { b: 1 }, convention: "torch" },
        { params: { c: 1 }, convention: "torch", eps: 0.5 },
      ],
      { convention: "keras", weightDecay: 0.25 },
    );
    opt.addGroup({ params: { d: 1 } });
    expect(opt.groups.map(({ convention, eps, weightDecay }) => [convention, eps, weightDecay])).toEqual([
      ["keras", 1e-7, 0.25],
      ["torch", 1e-8, 0.25],
      ["torch", 0.5, 0.25],
      ["keras", 1e-7, 0.25],
    ]);
    expect(opt.convention).toBe("keras");
    expect(make(AdamW, { a: 1 }, { convention: undefined }).convention).toBe("torch");
  });

  test("an option that is undefined is one not given", () => {
    const opt = make(AdamW, { w: 1 }, { lr: undefined, amsgrad: undefined, dtype: undefined, backend: undefined });
    expect({ ...opt.groups[0], names: undefined }).toEqual({ ...AdamW.defaults, names: undefined });
  });

  test("an optimizer is an instance of its class", () => {
    expect(new Adam({ w: 1 })).toBeInstanceOf(Adam);
    expect(new Adam({ w: 1 })).not.toBeInstanceOf(AdamW);
  });
});
