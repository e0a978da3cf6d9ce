// Something of config.json that is accepted and has no effect here.

import { defineOp } from "./op.ts";

/** Writes a warning to the log. */
export const warn = defineOp<{ text: string }>({
  name: "warn",
  print: ({ text }) => text,
  run: ({ text }, context) => context.warn(text),
});
