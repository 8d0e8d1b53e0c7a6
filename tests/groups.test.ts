import { describe, expect, test } from "vitest";
import { Adam, AdamW, Momentum, RMSprop, SGD } from "../src/index.js";
import {
  backends,
  bitsEqual,
  expectError,
  expectSame,
  expectUnchanged,
  gradients,
  make,
  numbers,
  separate,
  snapshot,
  start,
  train,
} from "./helpers.js";
import { classes } from "./tables.js";

const names = (optimizer: { groups: readonly object[] }) =>
  optimizer.groups.map((group) => Reflect.get(group, "names"));

describe("names", () => {
  test("a list of parameters is numbered from 0", () => {
    const opt = new Adam([3, [2, 2], new Float32Array(1)]);
    expect(Object.keys(opt.params)).toEqual(["0", "1", "2"]);
    expect(opt.params[1]).toHaveLength(4);
    expect(names(opt)).toEqual([["0", "1", "2"]]);
    opt.step([new Float32Array(3), new Float32Array(4), new Float32Array(1)]);
    opt.step({ 0: new Float32Array(3), 1: new Float32Array(4), 2: new Float32Array(1) });
    expect(opt.steps).toBe(2);
  });

  test("lists are numbered through all groups, and records keep their names", () => {
    const opt = make(Adam, [{ params: [1, 2] }, { params: { w: 3, b: 4 } }, { params: [] }, { params: [5] }]);
    expect(names(opt)).toEqual([["0", "1"], ["w", "b"], [], ["2"]]);
    expect(Object.keys(opt.params).sort()).toEqual(["0", "1", "2", "b", "w"]);
    expect(opt.params[2]).toHaveLength(5);
  });

  test("a list in a group added later goes on with the numbers", () => {
    const opt = make(Adam, [1, 2]);
    opt.addGroup({ params: [3] }).addGroup({ params: { w: 4 } });
    opt.addGroup({ params: [5, 6] });
    expect(names(opt)).toEqual([["0", "1"], ["2"], ["w"], ["3", "4"]]);
    expect(opt.params[4]).toHaveLength(6);
  });

  test("a list added to named parameters starts at 0", () => {
    expect(names(make(Adam, { w: 1 }).addGroup({ params: [3] }))).toEqual([["w"], ["0"]]);
  });

  test("a group that was refused has used up no numbers", () => {
    const opt = make(Adam, [1]);
    expect(() => opt.addGroup({ params: [2], lr: -1 })).toThrow(RangeError);
    expect(names(opt.addGroup({ params: [2] }))).toEqual([["0"], ["1"]]);
  });
});

describe("options", () => {
  test("a group takes the optimizer's options, and its own over them", () => {
    const opt = new AdamW([{ params: { a: 1 } }, { params: { b: 1 }, lr: 0.5, weightDecay: 0 }], {
      lr: 0.1,
      beta1: 0.8,
    });
    expect(opt.groups[0]).toMatchObject({ names: ["a"], lr: 0.1, beta1: 0.8, beta2: 0.999, weightDecay: 0.01 });
    expect(opt.groups[1]).toMatchObject({ names: ["b"], lr: 0.5, beta1: 0.8, beta2: 0.999, weightDecay: 0 });
  });

  test("an override that is undefined is one not given", () => {
    const opt = make(Adam, [{ params: { a: 1 }, lr: undefined }], { lr: 0.5 });
    expect(opt.lr).toBe(0.5);
    expect(opt.addGroup({ params: { b: 1 }, lr: undefined }).groups[1].lr).toBe(0.5);
  });

  test("flags, and whether there is momentum, can differ between groups", () => {
    const adam = new Adam([
      { params: { a: 1 }, amsgrad: true },
      { params: { b: 1 }, maximize: true },
    ]);
    expect(Object.keys(adam.state.a)).toEqual(["m", "v", "vmax"]);
    expect(Object.keys(adam.state.b)).toEqual(["m", "v"]);
    expect(adam.groups.map(({ amsgrad, maximize }) => [amsgrad, maximize])).toEqual([
      [true, false],
      [false, true],
    ]);
    const sgd = new SGD([{ params: { a: 1 }, momentum: 0.9 }, { params: { b: 1 } }]);
    expect(Object.keys(sgd.state.a)).toEqual(["buf"]);
    expect(Object.keys(sgd.state.b)).toEqual([]);
  });

  test("opt.lr reads the first group's value and sets all groups'", () => {
    const opt = new Adam([
      { params: { a: 1 }, lr: 0.1 },
      { params: { b: 1 }, lr: 0.2 },
    ]);
    expect(opt.lr).toBe(0.1);
    opt.groups[0].lr = 0.3;
    expect(opt.lr).toBe(0.3);
    opt.groups[1].lr = 0.4;
    expect(opt.lr).toBe(0.3);
    opt.lr = 0.5;
    expect(opt.groups.map(({ lr }) => lr)).toEqual([0.5, 0.5]);
  });

  test("names and options are properties that can be enumerated and spread, and are read anew", () => {
    for (const made of classes) {
      const opt = make(made, [{ params: { a: 1 } }, { params: { b: 1 } }]);
      for (const [i, group] of opt.groups.entries()) {
        expect(Object.keys(group)).toEqual(["names", ...Object.keys(made.defaults)]);
        expect({ ...group }).toEqual({ ...made.defaults, names: [["a"], ["b"]][i] });
        expect(JSON.stringify(group)).toBe(JSON.stringify({ ...group }));
      }
      const [group] = opt.groups;
      group.weightDecay = 0.25;
      expect(group).toMatchObject({ weightDecay: 0.25 });
      expect(opt.groups[0].weightDecay).toBe(0.25);
    }
  });

  test("a group can be set from plain data", () => {
    const opt = make(Adam, { w: 1 });
    Object.assign(opt.groups[0], { lr: 0.5, beta1: 0.5 });
    expect(opt.groups[0]).toMatchObject({ lr: 0.5, beta1: 0.5 });
  });
});

describe.each(backends)("on %s", (backend) => {
  test.each(separate)("%s: a group steps as an optimizer of its own would", (_, made) => {
    const overrides = [{}, { lr: 0.25 }, { lr: 0.125, weightDecay: 0.5 }, { maximize: true }];
    const params = [{ a: 3, b: [2, 9] }, { c: 17_000 }, { d: 0, e: 5 }, { f: 1 }];
    const options = { lr: 0.5, backend };
    const grouped = make(
      made,
      params.map((set, i) => ({ params: set, ...overrides[i] })),
      options,
    );
    train(start(grouped), 3);
    for (const [i, set] of params.entries()) {
      const alone = train(start(make(made, set, { ...options, ...overrides[i] })), 3);
      for (const name of Object.keys(set)) {
        expect(bitsEqual(grouped.params[name], alone.params[name]), name).toBe(true);
        for (const slot of Object.keys(alone.state[name])) {
          expect(bitsEqual(grouped.state[name][slot], alone.state[name][slot]), `${name}.${slot}`).toBe(true);
        }
      }
    }
  });

  test.each(separate)("%s: a group added later starts its own count at 1", (_, made) => {
    const options = { lr: 0.5, backend };
    const opt = train(start(make(made, { a: 5 }, options)), 3);
    opt.addGroup({ params: { b: 5, c: [2, 2] }, weightDecay: 0.25 });
    const fresh = make(made, { b: 5, c: [2, 2] }, { ...options, weightDecay: 0.25 });
    const old = train(start(make(made, { a: 5 }, options)), 3);
    for (const { params } of [opt, fresh])
      for (const name of ["b", "c"]) params[name].set(numbers(name, params[name].length, 0));
    for (let step = 4; step <= 7; step++) {
      const { a, b, c } = gradients(opt, step);
      opt.step({ a, b, c });
      fresh.step({ b, c });
      old.step({ a });
    }
    expect(opt.steps).toBe(7);
    expect(fresh.steps).toBe(4);
    for (const [other, name] of [
      [fresh, "b"],
      [fresh, "c"],
      [old, "a"],
    ] as const) {
      expect(bitsEqual(opt.params[name], other.params[name]), name).toBe(true);
    }
  });

  test("after addGroup the views are the same objects, hold the same numbers and are stepped on", () => {
    const own = new Float32Array([1, 2]);
    const opt = train(start(make(Adam, { a: 20_000, own }, { backend })), 2);
    const views = () => ["a", "own"].flatMap((name) => [opt.params[name], opt.grads[name], opt.state[name].v]);
    const before = views();
    const saved = snapshot(opt).arrays;
    for (let i = 0; i < 20; i++) opt.addGroup({ params: { [`b${i}`]: i * 1000, [`c${i}`]: new Float32Array(3) } });
    for (const [i, view] of views().entries()) expect(view).toBe(before[i]);
    const now = snapshot(opt).arrays;
    for (const name of Object.keys(saved)) expect(bitsEqual(saved[name], now[name]), name).toBe(true);
    before[1].fill(1);
    opt.step();
    expect(bitsEqual(before[0], saved["params.a"])).toBe(false);
    expect(opt.params.own).toBe(own);
  });

  test("a schedule of a group added later gets the optimizer's steps", () => {
    const opt = make(SGD, { a: 1 }, { lr: (step: number) => step, backend });
    opt.step().step();
    opt.addGroup({ params: { b: 1 } }).addGroup({ params: { c: 1 }, lr: (step: number) => 10 * step });
    expect(opt.groups.map(({ lr }) => lr)).toEqual([2, 2, 20]);
    for (const g of Object.values(opt.grads)) g.fill(1);
    opt.step();
    expect([opt.params.a[0], opt.params.b[0], opt.params.c[0]]).toEqual([-2, -2, -20]);
  });

  test("a setting of all groups that one of them refuses is set in none", () => {
    const table: [string, () => ReturnType<typeof make>, string, unknown][] = [
      [
        "SGD",
        () => make(SGD, [{ params: { a: 2 }, momentum: 0.9 }, { params: { b: 2 } }], { backend }),
        "momentum",
        0.5,
      ],
      [
        "SGD",
        () =>
          make(SGD, [{ params: { a: 2 } }, { params: { b: 2 }, nesterov: true }], {
            momentum: (n: number) => 0.5 + n / 8,
            backend,
          }),
        "dampening",
        0.5,
      ],
      [
        "RMSprop",
        () =>
          make(RMSprop, [{ params: { a: 2 }, momentum: (n: number) => n / 100 }, { params: { b: 2 } }], { backend }),
        "momentum",
        0.25,
      ],
    ];
    for (const [who, create, name, value] of table) {
      const opt = train(start(create()), 2);
      const before = snapshot(opt);
      expectError(() => Object.assign(opt, { [name]: value }), RangeError, `${who}: `, name);
      expectUnchanged(opt, before);
      // schedules too are what they were
      expectSame(train(opt, 2), train(start(create()), 4));
    }
  });

  test("a setting that is refused leaves a schedule in place, even one whose next value is wrong", () => {
    const momentum = (step: number) => (step === 1 ? Number.NaN : 0.5);
    const opt = make(SGD, [{ params: { a: 2 }, momentum }, { params: { b: 2 } }], { backend });
    opt.step();
    expectError(() => Object.assign(opt, { momentum: 0.25 }), RangeError, "SGD: momentum");
    expect(opt.groups[0].momentum).toBeNaN();
  });

  test("what decides the buffers is fixed at construction, and says so", () => {
    const sgd = () => make(SGD, { w: 3 }, { backend });
    const heavy = () => make(SGD, { w: 3 }, { momentum: 0.9, backend });
    const scheduled = () => make(SGD, { w: 3 }, { momentum: () => 0, backend });
    const table: [() => ReturnType<typeof make>, string, unknown, boolean][] = [
      [sgd, "momentum", 0.9, false],
      [sgd, "momentum", () => 0.9, false],
      [sgd, "momentum", () => 0, false],
      [sgd, "momentum", 0, true],
      [heavy, "momentum", 0, false],
      [heavy, "momentum", 0.5, true],
      [heavy, "momentum", () => 0, true],
      [scheduled, "momentum", 0, false],
      [scheduled, "momentum", 0.5, true],
      [() => make(RMSprop, { w: 3 }, { backend }), "momentum", 0.9, false],
    ];
    for (const [create, name, value, fine] of table) {
      for (const target of [(opt: object) => opt, (opt: { groups: object[] }) => opt.groups[0]]) {
        const opt = train(create(), 2);
        const before = snapshot(opt);
        const assign = () => Object.assign(target(opt as never), { [name]: value });
        if (fine) assign();
        else {
          expectError(assign, RangeError, `${opt.constructor.name}: ${name} `, "constructed");
          expectUnchanged(opt, before);
        }
      }
    }
  });

  test("flags and choices are fixed at construction, and say so", () => {
    for (const made of classes) {
      for (const [name, value] of Object.entries(made.defaults)) {
        if (typeof value === "number") continue;
        const opt = train(make(made, [{ params: { a: 3 } }, { params: { b: 3 } }], { backend }), 2);
        const before = snapshot(opt);
        for (const target of [opt, ...opt.groups]) {
          const message = expectError(
            () => Object.assign(target, { [name]: typeof value === "boolean" ? !value : value }),
            TypeError,
            "fixed at construction",
          );
          expect(message.startsWith(`${opt.constructor.name}: ${name} `)).toBe(true);
        }
        expectUnchanged(opt, before);
      }
    }
  });
});

test("what state starts from is fixed at construction, and says so", () => {
  for (const made of classes.filter(({ defaults }) => "initialAccumulator" in defaults)) {
    const opt = make(made, { w: 2 }, { initialAccumulator: 0.5 });
    const [slot] = Object.values(opt.state.w);
    expect([...slot]).toEqual([0.5, 0.5]);
    const message = expectError(() => Object.assign(opt, { initialAccumulator: 0.25 }), RangeError, "0.25");
    expect(message).not.toContain("zero");
    expect(opt.initialAccumulator).toBe(0.5);
  }
});

test("groups and names cannot be replaced", () => {
  const opt = new Momentum({ a: 1 });
  for (const act of [
    () => Object.assign(opt, { groups: [] }),
    () => Object.assign(opt.groups, [{}]),
    () => Object.assign(opt.groups[0], { names: [] }),
    () => Object.assign(opt.groups[0].names, ["b"]),
    () => Object.assign(opt, { params: {} }),
    () => Object.assign(opt.params, { a: new Float32Array(1) }),
  ]) {
    expect(act).toThrow(TypeError);
  }
});

test("what is done to thousands of groups one by one takes milliseconds each", { timeout: 5000 }, () => {
  const opt = make(Adam, {});
  const count = 3000;
  for (let i = 0; i < count; i++) opt.addGroup({ params: { [`p${i}`]: 1 } });
  const all = Object.keys(opt.params);
  for (const name of all) opt.freeze(name);
  for (const name of all) opt.unfreeze(name);
  opt.move(all, count);
  expect(opt.step().groups[count].names).toHaveLength(count);
});
