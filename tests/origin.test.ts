import { describe, expect, test } from "vitest";
import { backends, make, named, numbers, start, train } from "./helpers.js";

// Rules that remember where the parameters started, in the slot p0: they take it at the first step.

const remembering = named.filter(([, made]) => "p0" in make(made, { w: 1 }).state.w);

describe.each(backends)("on %s", (backend) => {
  test.each(remembering)("%s: the start is what stands in the parameters at the first step", (_, made) => {
    const own = new Float32Array(5);
    const opt = make(made, { own, w: 3 }, { backend });
    own.set(numbers("own", 5, 0));
    opt.params.w.set(numbers("w", 3, 0));
    const before = { own: own.slice(), w: opt.params.w.slice() };
    train(opt, 3);
    for (const name of ["own", "w"] as const) {
      expect(opt.state[name].p0).toEqual(before[name]);
      expect(opt.params[name]).not.toEqual(before[name]);
    }
  });

  test.each(remembering)(
    "%s: a state dict from before the first step brings the parameters, not the start",
    (_, made) => {
      const saved = start(make(made, { w: 5 }, { backend }));
      const opt = make(made, { w: new Float32Array(5).fill(9) }, { backend });
      opt.loadStateDict(saved.stateDict());
      train(opt, 2);
      expect([...opt.state.w.p0]).toEqual([...new Float32Array(numbers("w", 5, 0))]);
      expect(opt.params).toEqual(train(saved, 2).params);
    },
  );

  test.each(remembering)("%s: a group added later starts where it then stands", (_, made) => {
    const opt = train(start(make(made, { a: 5 }, { backend })), 3);
    const { p0 } = opt.state.a;
    const first = p0.slice();
    opt.addGroup({ params: { b: 4 } });
    opt.params.b.set(numbers("b", 4, 0));
    const second = opt.params.b.slice();
    train(opt, 3);
    expect(p0).toEqual(first);
    expect(opt.state.b.p0).toEqual(second);
    expect(opt.params.b).not.toEqual(second);
  });
});
