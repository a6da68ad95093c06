/** ajv's errors as one message for people. */
import type { InputError } from '../model/errors.js';
import { type Input, malformed } from './format.js';

interface ValidationError {
  readonly instancePath: string;
  readonly message?: string;
  readonly params: Record<string, unknown>;
}

/** Names come from the file: they are cut, and nothing in them can pass for our own text. */
function quoted(name: unknown): string {
  return JSON.stringify(String(name).slice(0, 60));
}

function inWords(error: ValidationError): string {
  const { params, message = 'is not what it should be' } = error;
  if (params.additionalProperty !== undefined)
    return `has an entry ${quoted(params.additionalProperty)} that doesn't belong there`;
  if (params.missingProperty !== undefined) return `lacks ${quoted(params.missingProperty)}`;
  if (params.allowedValue !== undefined) return `must be ${JSON.stringify(params.allowedValue)}`;
  if (Array.isArray(params.allowedValues))
    return `must be one of ${params.allowedValues.map((value) => JSON.stringify(value)).join(', ')}`;
  return message;
}

export function schemaError(
  input: Input,
  errors: readonly ValidationError[] | null | undefined,
  schema: string,
): InputError {
  const error = errors?.[0];
  return malformed(
    input,
    error === undefined ? 'is not valid' : inWords(error),
    { at: (error?.instancePath || '/').slice(0, 120) },
    `schemas/${schema}.schema.json describes what belongs there.`,
  );
}
