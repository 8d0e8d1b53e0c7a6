const instructions = "while they are in the caches its bytes take less time than its instructions";
const constants = "V8 in Node 20 loads the three constants of the sign again for each vector";
const codes =
  "numbers become codes and codes numbers one at a time: no instruction looks up a vector in so long a table";
const decay = "its form of the kernel also scales the gradient";

/** Why a rule is above its floor, by its label. */
export const explanations: Readonly<Record<string, string>> = {
  adam8bit: codes,
  adamax: "it takes as long without its one division: it waits for its instructions",
  adamod: "more memory and arithmetic beside the divider than Adam has",
  adamw8bit: codes,
  adan: "eleven scalars do not fit in the registers, and eleven vectors are moved beside the divider",
  adopt: "min and max stand between root, division and momentum",
  cocob: "it takes as long without its division and its maxima: it waits for its instructions",
  diffgrad: "without the exponential, of some thirty instructions and ten constants, it takes a fifth of the time",
  ftrl: "its division waits for both roots",
  laprop: "the momentum and the parameters wait for the division",
  lion: `${instructions}: without the sign it takes 0.6 of the time, and ${constants}`,
  lion8bit: codes,
  madgrad: "the cube root is measured without the division that waits for it",
  rprop: `${instructions}: two signs and five selections of lanes, of three instructions each`,
  schedulefreeadamw: "more arithmetic beside the divider than Adam has",
  schedulefreesgd: instructions,
  "sgd momentum weightDecay": `${instructions}: ${decay}`,
  "sgd nesterov": instructions,
  "sgd weightDecay": `${instructions}: ${decay}`,
  signsgd: `${instructions}: ${constants}`,
  signum: `${instructions}: ${constants}`,
  sophia: "it does not wait for its one division but for its instructions, a quarter of them for the sign",
  yogi: constants,
};
