import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { casesNamed } from "../bench/cases.js";
import { knownPeers, openPeers, type Peer } from "../bench/peers.js";
import { run } from "../bench/run.js";

const worker = fileURLToPath(new URL("../bench/peers/worker.js", import.meta.url));
// a library of two lines that bench/peers/worker.js opens as it opens the others
const fake = (name: string, kind: string) => {
  return {
    name,
    commands: [["no-such-program"], [process.execPath, worker, "../../tests/bench-peer", kind, "/"]],
    absent: "",
  };
};

describe("peers", () => {
  let peers: Peer[];

  beforeAll(async () => {
    ({ peers } = await openPeers([fake("right", "right"), fake("wrong", "wrong")]));
  });

  afterAll(() => {
    for (const peer of peers) peer.close();
  });

  it("are timed beside the library if their numbers agree, and are named if not", async () => {
    const told: string[] = [];
    const rows = await run({
      cases: casesNamed(["sgd", "lion"]).filter(({ variant }) => variant === "plain"),
      dtypes: ["f32", "f64"],
      sizes: [64, 100],
      milliseconds: 1,
      rounds: () => 3,
      peers,
      disagrees: (name, why) => told.push(`${name}: ${why}`),
      progress: () => {},
    });
    expect(told).toEqual([expect.stringMatching(/^wrong: wrong sgd differs from the library: element 0 is/)]);
    const others = rows.filter(({ contender }) => contender === "right" || contender === "wrong");
    expect(others.map(({ rule, dtype, n, contender }) => [rule, dtype, n, contender])).toEqual([
      ["sgd", "f32", 64, "right"],
      ["sgd", "f32", 100, "right"],
    ]);
    for (const row of others) expect(row.timesWasm?.median).toBeGreaterThan(0);
  });

  it("say what went wrong with them", async () => {
    const [adam] = casesNamed(["adam"]);
    await expect(peers[0].check(adam)).rejects.toThrow("right: it has no adam");
  });

  it("that are not installed are told of, with what to do", async () => {
    const known = knownPeers("/", "npm ci --prefix bench/peers").filter(({ name }) => !name.startsWith("torch"));
    const { peers, notes } = await openPeers(known);
    expect(peers).toEqual([]);
    expect(notes.map(({ name }) => name)).toEqual(["tfjs cpu", "tfjs wasm", "jax-js"]);
    for (const note of notes) expect(note).toMatchObject({ version: null, trouble: "npm ci --prefix bench/peers" });
  });
});
