// Types of what yargs-platform.ts and yargs-for.ts take from behind yargs' front door, which opens
// onto the working directory. yargs is pinned exactly.

declare module "*/yargs-factory.js" {
  import type { Argv } from "yargs";

  export function YargsFactory(
    platform: Readonly<Record<string, unknown>>,
  ): (args: readonly string[], workingDirectory: string) => Argv;
}

declare module "*/cliui/index.mjs" {
  const cliui: unknown;
  // biome-ignore lint/style/noDefaultExport: it is what cliui has there
  export default cliui;
}

declare module "yargs-parser/browser" {
  const parser: unknown;
  // biome-ignore lint/style/noDefaultExport: it is what yargs-parser has there
  export default parser;
}
