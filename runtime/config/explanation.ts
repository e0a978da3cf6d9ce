// What is done with a field of config.json, as `runt explain` tells it. It is written next to the
// field, in schemas/ (x-runt); where steps or kernel are absent, those of the field around it hold.

export interface Explanation {
  /** What the program does with the field, in sentences. */
  does: string;
  /** Names of the ops that it makes in the plan of `create`. */
  steps?: readonly string[];
  /** Since which kernel there is what it needs; absent: every kernel that the program runs on. */
  kernel?: string;
}

/** Explanations by the name of a type and a property. */
export type ExplanationTable = Readonly<Record<string, Readonly<Record<string, Explanation>>>>;
