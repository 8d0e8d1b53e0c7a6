// The report's animation: draws every path up to a moment, in plain SVG.

const { runs, scale, lastEpoch } = JSON.parse(document.getElementById("paths-data").textContent);
const [paths, badges, play, clock, moment] = ["paths", "badges", "play", "clock", "moment"].map((id) =>
  document.getElementById(id),
);
const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
const seconds = 14;

let rate = "constant";
let playing = false;
let frameBefore = 0;

const drawn = runs.map((run, index) => {
  const color = `var(--run-${index})`;
  const path = append(paths, "g", { fill: "none", "stroke-linejoin": "round" });
  const badge = append(badges, "g", {});
  const drawing = {
    run,
    parts: [path, badge],
    lines: [
      append(path, "path", { stroke: "var(--paper)", "stroke-width": 4, "stroke-opacity": 0.7 }),
      append(path, "path", { stroke: color, "stroke-width": 2 }),
    ],
    head: append(path, "circle", { r: 4, fill: color, stroke: "var(--paper)" }),
    badge,
    button: document.querySelectorAll(".legend button")[index],
  };
  append(badge, "circle", { r: 8.5, fill: color, stroke: "var(--paper)" });
  append(badge, "text", { y: 3.6, fill: "var(--paper)", "font-size": 10, "font-weight": "bold" }).textContent =
    index + 1;
  drawing.button.addEventListener("click", () => toggle(drawing));
  for (const event of ["mouseenter", "focus"]) drawing.button.addEventListener(event, () => single(drawing));
  for (const event of ["mouseleave", "blur"]) drawing.button.addEventListener(event, () => single(undefined));
  return drawing;
});

play.addEventListener("click", () => {
  if (!playing && Number(clock.value) >= 1) clock.value = 0;
  setPlaying(!playing);
});
document.getElementById("restart").addEventListener("click", () => {
  clock.value = 0;
  setPlaying(true);
});
clock.addEventListener("input", () => {
  setPlaying(false);
  draw();
});
for (const radio of document.querySelectorAll("[name=rate]")) {
  radio.addEventListener("change", () => {
    rate = radio.value;
    parkBadges();
    draw();
  });
}

parkBadges();
// who asked for less motion sees the end, and starts the motion only on request
clock.value = calm ? 1 : 0;
setPlaying(!calm);
draw();

function setPlaying(value) {
  playing = value;
  play.textContent = playing ? "Pause" : "Play";
  frameBefore = 0;
  if (playing) requestAnimationFrame(advance);
}

function advance(now) {
  if (!playing) return;
  const elapsed = frameBefore ? (now - frameBefore) / 1000 : 0;
  frameBefore = now;
  clock.value = Math.min(1, Number(clock.value) + elapsed / seconds);
  draw();
  if (Number(clock.value) >= 1) setPlaying(false);
  else requestAnimationFrame(advance);
}

/** The clock runs slowly at first, when much happens, and then faster and faster. */
function epochNow() {
  const speed = 8;
  return (lastEpoch * Math.expm1(speed * Number(clock.value))) / Math.expm1(speed);
}

function draw() {
  const epoch = epochNow();
  moment.textContent = `epoch ${epoch < 10 ? epoch.toFixed(2) : epoch.toFixed(0)}`;
  clock.setAttribute("aria-valuetext", moment.textContent);
  for (const drawing of drawn) {
    const reached = upTo(drawing.run[rate], epoch);
    const text = `M${reached.map(place).join("L")}`;
    const [, A, B] = reached[reached.length - 1];
    const [x, y] = place(reached[reached.length - 1]);
    for (const line of drawing.lines) line.setAttribute("d", text);
    drawing.head.setAttribute("transform", `translate(${x},${y})`);
    const [badgeX, badgeY] = epoch < drawing.parking[0] ? [x, y] : place(drawing.parking);
    drawing.badge.setAttribute("transform", `translate(${badgeX},${badgeY})`);
    drawing.button.querySelector(".place").textContent = `${A.toFixed(3)}, ${B.toFixed(3)}`;
  }
}

/** The points of a path until an epoch, the last one in between. */
function upTo(path, epoch) {
  const next = path.findIndex(([when]) => when > epoch);
  if (next === -1) return path;
  const [before, after] = [path[next - 1], path[next]];
  const share = (epoch - before[0]) / (after[0] - before[0]);
  return [...path.slice(0, next), before.map((value, i) => value + share * (after[i] - value))];
}

function place([, A, B]) {
  return [+(scale.x0 + (A - scale.A0) * scale.perA).toFixed(1), +(scale.y0 - (B - scale.B0) * scale.perB).toFixed(1)];
}

/** A badge rides on its path's head up to a place of its own, as far as can be from the other badges and paths. */
function parkBadges() {
  const parked = [];
  for (const drawing of drawn) {
    const path = drawing.run[rate];
    let best = -1;
    drawing.parking = path[path.length - 1];
    for (const point of path.filter(([, A]) => A > 0.2 && A < 1.25)) {
      const fromBadges = Math.min(60, ...parked.map((other) => distance(point, other)));
      const others = drawn.filter((other) => other !== drawing).flatMap((other) => other.run[rate]);
      const fromPaths = Math.min(12, ...others.map((other) => distance(point, other)));
      const score = Math.min(fromBadges, 22) * 4 + fromBadges / 4 + fromPaths;
      if (score > best) {
        best = score;
        drawing.parking = point;
      }
    }
    parked.push(drawing.parking);
  }
}

function distance(a, b) {
  const [[ax, ay], [bx, by]] = [place(a), place(b)];
  return Math.hypot(ax - bx, ay - by);
}

function toggle({ parts, button }) {
  const shown = button.getAttribute("aria-pressed") !== "true";
  button.setAttribute("aria-pressed", String(shown));
  for (const part of parts) part.style.display = shown ? "" : "none";
}

function single(chosen) {
  for (const drawing of drawn) {
    for (const part of drawing.parts) part.style.opacity = !chosen || drawing === chosen ? 1 : 0.15;
  }
}

function append(parent, name, attributes) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return parent.appendChild(element);
}
