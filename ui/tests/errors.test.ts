import { expect, test } from "vitest";
import { BackendError, toErrorReply } from "$lib/backend/errors";

const reply = { code: "conflict", message: "the plan was used already", hint: "make a new preview" } as const;

test("a reply comes through unchanged", () => {
  expect(toErrorReply(reply)).toEqual(reply);
  expect(toErrorReply(new BackendError(reply))).toEqual(reply);
});

test("an unknown code becomes internal and keeps its words", () => {
  expect(toErrorReply({ ...reply, code: "toString" })).toEqual({ ...reply, code: "internal" });
});

test.each([["a bare string of the transport"], [new TypeError("a bare string of the transport")]])(
  "what is not a reply still says what happened: %s",
  (thrown) => expect(toErrorReply(thrown).message).toBe("a bare string of the transport"),
);

test.each([[undefined], [null], [7], [""]])("even %s becomes an error that says what to do", (thrown) => {
  const { message, hint } = toErrorReply(thrown);
  expect(message).not.toBe("");
  expect(hint).not.toBe("");
});
