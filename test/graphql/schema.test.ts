import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isEnumType, isInputObjectType, isInterfaceType, isIntrospectionType, isObjectType } from 'graphql';
import { expect, test } from 'vitest';
import { possibleTypes, typePolicies, urqlKeys } from '../../src/client/caches.ts';
import * as printed from '../../src/graphql/print.ts';
import { schema } from '../../src/graphql/schema.ts';

const root = join(import.meta.dirname, '../..');
const types = Object.values(schema.getTypeMap()).filter((type) => !isIntrospectionType(type));

test('the published schema is what the code says; npm run schema prints it', async () => {
  expect(printed.printedSchema()).toBe(await readFile(join(root, 'schema/schema.graphql'), 'utf8'));
  expect(printed.possibleTypes()).toEqual(possibleTypes);
});

test('every type, field, argument and value has a description', () => {
  const silent: string[] = [];
  const check = (name: string, described: { description?: string | null }) => {
    if (!described.description) silent.push(name);
  };
  for (const type of types) {
    check(type.name, type);
    if (isEnumType(type)) for (const value of type.getValues()) check(`${type.name}.${value.name}`, value);
    if (isObjectType(type) || isInterfaceType(type) || isInputObjectType(type)) {
      for (const field of Object.values(type.getFields())) {
        check(`${type.name}.${field.name}`, field);
        if ('args' in field)
          for (const arg of field.args) check(`${type.name}.${field.name}(${arg.name})`, arg);
      }
    }
  }
  expect(silent).toEqual([]);
});

test('every object is an entity with an id, or known to the caches as a value inside its parent', () => {
  const roots = new Set(['Query', 'Mutation']);
  const unknown = types
    .filter(isObjectType)
    .filter(({ name }) => !roots.has(name) && !/(Payload|Error)$/.test(name))
    .filter((type) => !type.getInterfaces().some((i) => i.name === 'Node') && !(type.name in urqlKeys))
    .map((type) => type.name);
  expect(unknown).toEqual([]);
  const entities = types
    .filter(isObjectType)
    .filter((type) => type.getInterfaces().some((i) => i.name === 'Node'));
  for (const { name } of entities) expect(typePolicies[name]).toBeUndefined();
});
