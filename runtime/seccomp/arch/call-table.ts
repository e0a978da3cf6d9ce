// Reads the tables of system calls, which are one string each: quicker to load than an object.

import { COMMON_CALLS } from "./common-calls.ts";

/**
 * A look-up of system call numbers; the table is read at the first look-up.
 *
 * @param calls Names in the order of their numbers, separated by white space; a number says where
 *   the names after it begin. Those from 424 up are added.
 */
export function callTable(calls: string): (name: string) => number | undefined {
  let numbers: Map<string, number> | undefined;
  return (name) => {
    numbers ??= readTable(`${calls} ${COMMON_CALLS}`);
    return numbers.get(name);
  };
}

function readTable(calls: string): Map<string, number> {
  const numbers = new Map<string, number>();
  let next = 0;
  for (const word of calls.trim().split(/\s+/)) {
    const isNumber = word.charCodeAt(0) <= 0x39;
    if (isNumber) next = Number(word);
    else numbers.set(word, next++);
  }
  return numbers;
}
