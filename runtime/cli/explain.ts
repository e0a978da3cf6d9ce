// runt explain

import { type Explained, explain } from "../lifecycle/explain.ts";
import { print } from "../print.ts";
import type { Arguments } from "./command.ts";
import { wrapped } from "./wrapped.ts";

/** The oldest kernel that the program runs on is newer than most of what it uses. */
const FLOOR = "5.14";
const LABEL = 10;

/** Prints what is known about a field of config.json, as text or as JSON. */
export function explainCommand(given: Arguments): number {
  const field = explain(given.positionals[0] ?? "");
  print(
    given.on("json") ? JSON.stringify(explainedJson(field), undefined, 2) : explainedText(field),
  );
  return 0;
}

/** A field for people to read. */
export function explainedText(field: Explained): string {
  const { name, node, explanation, fields, status } = field;
  const { steps, kernel } = explanation;
  const rows: [label: string, text: string][] = [
    ["type", `${typeText(field)}${field.required ? ", required" : ""}`],
    ["unit", node.unit ?? ""],
    ["allowed", field.allowed ?? ""],
    ["spec", node.spec ?? ""],
    ["", field.url],
    ["runt", explanation.does],
    ["steps", stepsText(field, steps)],
    ["kernel", status === "acted on" ? kernelText(kernel) : ""],
  ];
  const lines = rows
    .filter(([, text]) => text !== "")
    .map(([label, text]) => wrapped(text, { label: label.padEnd(LABEL), indent: LABEL }));
  const names = fields.map((each) => {
    return `  ${each.name.split(".").at(-1)}${each.required ? " (required)" : ""}  `;
  });
  const indent = Math.max(...names.map((label) => label.length));
  const list = fields.map(({ node: inner }, index) => {
    const label = (names[index] ?? "").padEnd(indent);
    return wrapped(inner.description ?? "", { label, indent });
  });
  return [
    name === "" ? "config.json" : name,
    wrapped(descriptionOf(field), { label: "  ", indent: 2 }),
    "",
    ...lines,
    ...(list.length === 0 ? [] : ["", "fields", ...list]),
  ].join("\n");
}

function descriptionOf({ node, about }: Explained): string {
  return [node.description, about].filter((text) => text !== undefined).join(" ");
}

function stepsText({ status, name }: Explained, steps: readonly string[]): string {
  if (status !== "acted on" || name === "") return "";
  return steps.length === 0 ? "none in the plan of create" : steps.join(", ");
}

function kernelText(kernel: string): string {
  return kernel === ""
    ? `any that runt runs on (${FLOOR})`
    : `${kernel}; runt itself needs ${FLOOR}`;
}

/** Such as "string", "list of objects" or "map of strings". */
function typeText({ node, entry }: Explained): string {
  const one = entry.type === "int64" || entry.type === "uint64" ? "integer" : (entry.type ?? "any");
  if (node === entry) return one;
  return `${node.items === undefined ? "map" : "list"} of ${one}s`;
}

function explainedJson(field: Explained): object {
  const { name, pointer, node, entry, required, explanation, status, fields, url, allowed } = field;
  return {
    field: name,
    pointer,
    type: typeText(field),
    required,
    ...(node.unit !== undefined && { unit: node.unit }),
    ...(entry.enum !== undefined && { values: entry.enum }),
    ...(allowed !== undefined && { allowed }),
    description: descriptionOf(field),
    spec: node.spec ?? "",
    url,
    status,
    does: explanation.does,
    steps: status === "acted on" ? explanation.steps : [],
    kernel: explanation.kernel === "" ? FLOOR : explanation.kernel,
    fields: fields.map((each) => each.name),
  };
}
