// hooks (config.md#posix-platform-hooks). The ones of create and start are steps of the plan;
// poststart and poststop run after it, in lifecycle/.

import type { Config, Hook, Hooks } from "../config/types.gen.ts";
import type { Problem } from "../errors.ts";
import { type HookRun, runHook } from "../ops/hook.ts";
import { type Step, step } from "../plan/step.ts";
import { OCI_VERSION } from "../version.ts";
import { type Container, pointerTo } from "./container.ts";

/** Every kind that is run, as `features` lists them. */
export const HOOK_KINDS = [
  "prestart",
  "createRuntime",
  "createContainer",
  "startContainer",
  "poststart",
  "poststop",
] as const satisfies readonly (keyof Hooks)[];

export interface HooksClause {
  /** By the host, when init's mounts are there: prestart, then createRuntime. */
  runtime: readonly Step[];
  /** By init before the pivot. */
  createContainer: readonly Step[];
  /** By init after the word to go. */
  startContainer: readonly Step[];
  problems: readonly Problem[];
}

export function hooks(config: Config, container: Container): HooksClause {
  const make = (kind: keyof Hooks, who: "host" | "init", status: string): Step[] =>
    hookRuns(kind, { config, container, status }).map((run, index) =>
      step(who, runHook(run), pointerTo(`/hooks/${kind}`, index)),
    );
  return {
    runtime: [...make("prestart", "host", "created"), ...make("createRuntime", "host", "created")],
    createContainer: make("createContainer", "init", "created"),
    startContainer: make("startContainer", "init", "created"),
    problems: problemsOf(config, container),
  };
}

/**
 * In a mount namespace that is joined, a path and whatever its program loads are those of whoever
 * fills it, and would run with the runtime's rights.
 */
function problemsOf({ hooks, linux }: Config, container: Container): Problem[] {
  if (container.callerNamespaces.includes("mount")) return [];
  const joined = linux?.namespaces?.some(({ type, path }) => type === "mount" && path);
  if (!joined) return [];
  return (hooks?.createContainer ?? []).map((_, index) => ({
    pointer: pointerTo("/hooks/createContainer", index),
    message:
      "the path has to be the runtime's, and cannot be found in a mount namespace that is joined by path",
    hint: "a startContainer hook is found in the container",
    spec: "config.md#posix-platform-hooks",
  }));
}

/** The hooks of one kind as they are to be run. */
export function hookRuns(
  kind: keyof Hooks,
  {
    config,
    container,
    status,
  }: {
    config: Pick<Config, "hooks" | "annotations" | "process">;
    container: Pick<Container, "id" | "bundle" | "environment">;
    status: string;
  },
): HookRun[] {
  const isInside = kind === "createContainer" || kind === "startContainer";
  const inherited = kind === "startContainer" ? (config.process?.env ?? []) : [];
  return (config.hooks?.[kind] ?? []).map((hook) => ({
    path: hook.path,
    args: argumentsOf(hook),
    env: hook.env ?? (isInside ? inherited : container.environment),
    cwd: kind === "startContainer" ? null : container.bundle,
    timeoutMs: hook.timeout === undefined ? null : hook.timeout * 1000,
    namespace: isInside ? "container" : "runtime",
    state: {
      ociVersion: OCI_VERSION,
      id: container.id,
      status,
      bundle: container.bundle,
      ...(config.annotations && { annotations: config.annotations }),
    },
  }));
}

/** argv[0] is the path unless the hook says otherwise. */
function argumentsOf({ path, args }: Hook): string[] {
  return args === undefined || args.length === 0 ? [path] : args;
}
