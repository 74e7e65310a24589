/** From what a request selects to what the statement reads: fields nobody asked for are not fetched. */
import type { FieldNode, GraphQLResolveInfo, SelectionSetNode } from 'graphql';
import type { SeenField } from '../../db/images.ts';

const decided: SeenField[] = ['id', 'status', 'visibility', 'owner', 'protected', 'membership'];

/** Fields of the type Image that are not read under their own name. */
const needs: Record<string, SeenField[]> = {
  property: ['properties'],
  members: ['id', 'owner'],
  tasks: ['id'],
  blocks: ['id', 'size'],
  can: decided,
  download: decided,
  membership: ['id'],
  __typename: [],
};

const cache = new WeakMap<FieldNode, readonly SeenField[]>();

/**
 * The image fields selected below a field that gives images; `path` leads from it to them, several names at a
 * step meaning either (edges.node, nodes).
 */
export function selectedImageFields(
  info: GraphQLResolveInfo,
  paths: readonly string[][],
): readonly SeenField[] {
  const [node] = info.fieldNodes;
  const known = node && info.fieldNodes.length === 1 ? cache.get(node) : undefined;
  if (known) return known;
  const found = new Set<string>();
  for (const field of info.fieldNodes) {
    for (const path of paths) collect(info, field.selectionSet, path, found);
  }
  const fields = [...found] as SeenField[];
  if (node && info.fieldNodes.length === 1) cache.set(node, fields);
  return fields;
}

const definitionFields: readonly string[] = ['definition', 'issues'];
const definitionsCache = new WeakMap<FieldNode, boolean>();

/** Whether definitions of the properties of these images are selected, or what is wrong by them. */
export function selectsDefinitions(info: GraphQLResolveInfo, paths: readonly string[][]): boolean {
  const [node] = info.fieldNodes;
  const known = node && definitionsCache.get(node);
  if (known !== undefined) return known;
  const found = new Set<string>();
  for (const field of info.fieldNodes) {
    for (const path of paths) collect(info, field.selectionSet, [...path, 'properties'], found);
  }
  const selects = definitionFields.some((name) => found.has(name));
  if (node) definitionsCache.set(node, selects);
  return selects;
}

/** Whether any of these fields is selected right below the field that is being resolved. */
export function selectsAny(info: GraphQLResolveInfo, names: readonly string[]): boolean {
  return info.fieldNodes.some((field) => hasAny(info, field.selectionSet, names));
}

function hasAny(
  info: GraphQLResolveInfo,
  selections: SelectionSetNode | undefined,
  names: readonly string[],
): boolean {
  return (selections?.selections ?? []).some((selection) => {
    if (selection.kind === 'Field') return names.includes(selection.name.value);
    if (selection.kind === 'InlineFragment') return hasAny(info, selection.selectionSet, names);
    return hasAny(info, info.fragments[selection.name.value]?.selectionSet, names);
  });
}

function collect(
  info: GraphQLResolveInfo,
  selections: SelectionSetNode | undefined,
  path: readonly string[],
  found: Set<string>,
): void {
  for (const selection of selections?.selections ?? []) {
    if (selection.kind === 'InlineFragment') collect(info, selection.selectionSet, path, found);
    else if (selection.kind === 'FragmentSpread') {
      collect(info, info.fragments[selection.name.value]?.selectionSet, path, found);
    } else if (path.length > 0) {
      if (selection.name.value === path[0]) collect(info, selection.selectionSet, path.slice(1), found);
    } else {
      const name = selection.name.value;
      for (const field of Object.hasOwn(needs, name) ? (needs[name] ?? []) : [name]) found.add(field);
    }
  }
}
