import { describe, expect, test } from "vitest";
// the build, where the classes of the tables are
import * as gradstep from "../dist/index.js";
import { backends, bitsEqual, expectError, expectSame, make, numbers, start, train } from "./helpers.js";
import { class_ } from "./tables.js";

const { GrokfastEMA, Lookahead, SGD } = gradstep;

const momentum = { momentum: 0.9, lr: 0.1 };

describe("Lookahead", () => {
  const plain = (k: number, alpha: number, pullback: boolean) => {
    const w = numbers("w", 3, 0);
    let slow = [...w];
    let slowBuf = [0, 0, 0];
    const buf = [0, 0, 0];
    return (t: number) => {
      for (const [i, g] of numbers("w", 3, t).entries()) {
        buf[i] = t === 1 ? g : 0.9 * buf[i] + g;
        w[i] -= 0.1 * buf[i];
      }
      if (t % k !== 0) return w;
      slow = w.map((x, i) => alpha * x + (1 - alpha) * slow[i]);
      for (const i of w.keys()) w[i] = slow[i];
      if (pullback) {
        slowBuf = buf.map((x, i) => alpha * x + (1 - alpha) * slowBuf[i]);
        for (const i of buf.keys()) buf[i] = slowBuf[i];
      }
      return w;
    };
  };

  test.each([true, false])("with pullbackMomentum %j, against its formula", (pullback) => {
    for (const backend of backends) {
      const step = plain(4, 0.3, pullback);
      const inner = make(class_("SGD"), { w: 3 }, { ...momentum, dtype: "f64", backend });
      const opt = start(make(Lookahead, inner, { k: 4, alpha: 0.3, pullbackMomentum: pullback ? "pullback" : "none" }));
      for (let t = 1; t <= 13; t++) {
        train(opt, 1);
        for (const [i, x] of step(t).entries()) expect(opt.params.w[i]).toBeCloseTo(x, 13);
      }
    }
  });

  test("with alpha 1 is the optimizer alone", () => {
    const alone = train(start(make(class_("Adam"), { w: 9 })), 9);
    const opt = train(start(make(Lookahead, make(class_("Adam"), { w: 9 }), { k: 2, alpha: 1 })), 9);
    expect(bitsEqual(opt.params.w, alone.params.w)).toBe(true);
  });

  test("takes a run without it up where that stands", () => {
    const alone = train(start(make(SGD, { w: 9 }, momentum)), 4);
    const opt = make(Lookahead, make(SGD, { w: 9 }, momentum), { k: 3, pullbackMomentum: "pullback" });
    const missing = ["w.slow", "w.slowMomentum"];
    expectError(() => opt.loadStateDict(alone.stateDict()), RangeError, 'missing "w.slow"');
    expect(opt.loadStateDict(alone.stateDict(), { strict: false })).toEqual({ missing, unexpected: [] });
    expect(opt.state.w.slow).toEqual(alone.params.w);
    expect(opt.state.w.slowMomentum).toEqual(alone.state.w.buf);
    expectError(() => alone.loadStateDict(opt.stateDict()), RangeError, 'unexpected "w.slow"');
    const wrapped = make(Lookahead, alone, { k: 3, pullbackMomentum: "pullback" });
    expect(wrapped.state.w).toEqual(opt.state.w);
  });

  test("can be put around frozen parameters of any name, with momentum or without", () => {
    const groups: object[] = [{ params: { w: [2, 2] } }, { params: { constructor: 2 }, useMuon: false }];
    const inner = make(class_("Muon"), groups).freeze("constructor");
    const opt = make(Lookahead, inner, { k: 1, pullbackMomentum: "pullback" });
    expect(train(opt, 2).unfreeze("constructor").frozen).toEqual([]);
  });

  test("goes around thousands of parameters without looking at all of them for each", () => {
    const names = Array.from({ length: 4000 }, (_, i) => `p${i}`);
    const inner = make(SGD, Object.fromEntries(names.map((name) => [name, 1])), momentum);
    const opt = make(Lookahead, inner, { k: 1, pullbackMomentum: "pullback" });
    expect(opt.freeze(names).step().frozen).toEqual(names);
  }, 8000);

  test("counts its steps in groups without momentum too, also after a load", () => {
    const groups = [{ params: { w: [2, 2] } }, { params: { b: 2 }, useMuon: false }];
    const create = () => start(make(Lookahead, make(class_("Muon"), groups), { k: 1, pullbackMomentum: "pullback" }));
    const opt = train(create(), 2);
    const resumed = create();
    resumed.loadStateDict(opt.stateDict());
    expect(resumed.stateDict()).toEqual(opt.stateDict());
    for (const { memory } of resumed.stateDict().groups) expect(memory).toEqual({ "Lookahead.steps": 2 });
  });

  test("slow weights start with each parameter's own first step, also after a load", () => {
    const create = () => make(Lookahead, make(SGD, { a: 2, b: 2 }, { lr: 1 }), { k: 2, resetState: true });
    const opt = train(start(create()).freeze("b"), 3);
    // such as weights from elsewhere
    opt.params.b.fill(8);
    const resumed = create().freeze("b");
    resumed.loadStateDict(opt.stateDict());
    for (const one of [opt, resumed]) {
      one.unfreeze("b").step({ a: new Float32Array(2), b: new Float32Array(2).fill(4) });
      expect([...one.params.b]).toEqual([6, 6]);
    }
  });

  test("what is remembered of a parameter that is frozen between two rounds is the same after a load", () => {
    const create = () => start(make(Lookahead, make(SGD, { a: 2, b: 2 }, momentum), { k: 2, resetState: true }));
    const opt = train(train(create(), 1).freeze("b"), 1);
    const resumed = create().freeze("b");
    resumed.loadStateDict(opt.stateDict());
    for (const one of [opt, resumed]) train(one.unfreeze("b"), 3);
    expectSame(resumed, opt);
  });

  test("around what evaluates the loss itself, hands the loss on", () => {
    const inner = new gradstep.LBFGS({ x: 2 }, { maxIter: 2 });
    const opt = new Lookahead(inner, { k: 2 });
    opt.params.x.set([1, 2]);
    const loss = () => {
      opt.grads.x.set(opt.params.x);
      return (opt.params.x[0] ** 2 + opt.params.x[1] ** 2) / 2;
    };
    expect(opt.step(loss)).toBe(2.5);
    expect(opt.step(loss)).toBeLessThan(2.5);
    expectError(() => new GrokfastEMA(inner), TypeError, "GrokfastEMA: LBFGS evaluates the loss itself");
  });

  test("an optimizer's own options stand before the wrapper's", () => {
    const opt = new Lookahead(new gradstep.RMSprop({ w: 1 }), { alpha: 0.25 });
    expect(opt.alpha).toBe(0.99);
  });
});
