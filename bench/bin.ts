#!/usr/bin/env node
import { benchCommand } from "./command.js";

const usage = `npx gradstep bench [flags]    times optimizer steps on this machine; --help says more`;

const [command, ...args] = process.argv.slice(2);
if (command === "bench") {
  await benchCommand(args, {
    call: "npx gradstep bench",
    peers: process.cwd(),
    install: "not installed in this project",
  });
} else if (command === undefined || ["--help", "-h", "help"].includes(command)) {
  console.log(usage);
} else {
  console.error(`gradstep: there is no command "${command}"\n${usage}`);
  process.exitCode = 2;
}
