/** Why a rule is above its floor, by its label. */
export const explanations: Readonly<Record<string, string>> = {};
