// Update: other resources for a container.

import { parseResources } from "../../../runtime/config/parse.ts";
import { update as updateContainer } from "../../../runtime/lifecycle/update.ts";
import { TASK } from "../../proto/task.ts";
import { StatusError } from "../../ttrpc/status.ts";
import { statusOfFailure, taskMethod, taskOf } from "../house.ts";
import { runtimeEnvironment } from "../runtime-environment.ts";

export const update = taskMethod(TASK.Update, (house, { id, resources }, call) => {
  const { root, init } = taskOf(house, id);
  if (init.state === "stopped") {
    throw new StatusError("unknown", "cannot update a stopped container");
  }
  const text = Buffer.from(resources?.value ?? []).toString();
  const run = (): void =>
    updateContainer({
      root,
      id,
      change: { resources: parseResources(text, "resources") },
      schemata: [],
      environment: runtimeEnvironment(house.environment),
      log: house.log.with({ id }),
    });
  house.workers.run(run, (failure) => {
    if (failure === undefined) call.answer({});
    else call.refuse(statusOfFailure(failure, "cannot update"));
  });
});
