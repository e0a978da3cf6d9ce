// Named descriptors of a running plan. The engine owns them; ops put and get them by name.

import { closeFd } from "../sys/file.ts";

/** Descriptors by slot name, such as `$root`. */
export class Slots {
  readonly #fds = new Map<string, number>();

  /** Puts a descriptor under a name and takes ownership of it. */
  put(name: string, fd: number): void {
    if (this.#fds.has(name)) throw new Error(`slot ${name} is taken`);
    this.#fds.set(name, fd);
  }

  /** The descriptor under a name; a plan that asks for an empty slot is a bug of ours. */
  get(name: string): number {
    const fd = this.#fds.get(name);
    if (fd === undefined) throw new Error(`slot ${name} is empty`);
    return fd;
  }

  has(name: string): boolean {
    return this.#fds.has(name);
  }

  /** Takes a descriptor out; the caller owns it from here on. */
  take(name: string): number {
    const fd = this.get(name);
    this.#fds.delete(name);
    return fd;
  }

  close(name: string): void {
    closeFd(this.take(name));
  }

  /** The same descriptors, for another owner. */
  copy(): Slots {
    const slots = new Slots();
    for (const [name, fd] of this.#fds) slots.put(name, fd);
    return slots;
  }

  /** All descriptors there are. */
  all(): number[] {
    return [...this.#fds.values()];
  }

  closeAll(): void {
    this.closeAllBut([]);
  }

  closeAllBut(kept: readonly string[]): void {
    for (const name of [...this.#fds.keys()]) if (!kept.includes(name)) this.close(name);
  }
}
