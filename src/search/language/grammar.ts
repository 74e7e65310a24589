/**
 * Tokens into a tree: OR binds weakest, terms side by side (or with AND) tighter, NOT and - tightest. A mistake is
 * noted and read over, so that all of them are found at once.
 */
import type { Issues, Span } from './issues.ts';
import type { Term, Token } from './tokens.ts';

export type Node =
  | ({ type: 'word'; text: string } & Span)
  /** `isOuter`: neither negated nor in parentheses. */
  | ({ type: 'term'; term: Term; isOuter: boolean } & Span)
  /** No node in an `and` is an `and`, none in an `or` an `or`; an `and` of none says nothing. */
  | ({ type: 'and' | 'or'; nodes: Node[] } & Span)
  | ({ type: 'not'; node: Node } & Span);

/** Deeper than anybody types, and no danger to the stack. */
const nestingMax = 32;

/** The tree of the whole search; worth nothing once there are issues. */
export function treeOf(tokens: readonly Token[], issues: Issues): Node {
  let at = 0;
  let depth = 0;
  let gaveUp = false;

  const nextIs = (type: Token['type']) => tokens[at]?.type === type;
  const operandFollows = () => at < tokens.length && !nextIs('or') && !nextIs('and') && !nextIs(')');

  function readOr(): Node {
    const nodes = [readAnd()];
    while (nextIs('or')) {
      const or = tokens[at++] as Token;
      // Another OR or AND says so itself.
      const isWhole = nodes.at(-1)?.end !== -1 && (operandFollows() || nextIs('and') || nextIs('or'));
      if (!isWhole) issues.add(or, 'OR needs something on both sides; quote it to search for the word.');
      nodes.push(readAnd());
    }
    return joined('or', nodes);
  }

  /** Its end is -1 when there is nothing at all. */
  function readAnd(): Node {
    const nodes: Node[] = [];
    let hasLeft = false;
    for (;;) {
      if (nextIs('and')) {
        const and = tokens[at++] as Token;
        if (!hasLeft || !operandFollows()) {
          issues.add(and, 'AND needs something on both sides; quote it to search for the word.');
        }
        hasLeft = false;
        if (nodes.length === 0) nodes.push(nothing(and));
      } else if (operandFollows()) {
        nodes.push(readOperand());
        hasLeft = true;
      } else break;
    }
    return nodes.length > 0 ? joined('and', nodes) : nothing({ start: 0, end: -1 });
  }

  /** One term or group, with the negations before it: two of them cancel each other out. */
  function readOperand(): Node {
    const first = tokens[at] as Token;
    let isNegated = false;
    for (; nextIs('not'); at++) isNegated = !isNegated;
    if (!operandFollows()) {
      const message = 'NOT or - needs something after it; quote it to search for the word.';
      issues.add(tokens[at - 1] as Token, message);
      return nothing(first);
    }
    const node = readPlain(tokens[at++] as Token, depth === 0 && first.type !== 'not');
    return isNegated ? { type: 'not', node, start: first.start, end: node.end } : node;
  }

  function readPlain(token: Token, isOuter: boolean): Node {
    if (token.type === 'word') return token;
    if (token.type === 'term') return { ...token, isOuter };
    return token.type === '(' ? readGroup(token) : nothing(token);
  }

  function readGroup(open: Token): Node {
    if (depth === nestingMax) {
      issues.add(open, `Parentheses nest at most ${nestingMax} deep.`);
      at = tokens.length;
      gaveUp = true;
      return nothing(open);
    }
    depth++;
    const isEmpty = nextIs(')');
    const node = readOr();
    depth--;
    const close = tokens[at];
    if (close) at++;
    else if (!gaveUp) issues.add(open, 'The parenthesis is not closed; add ).');
    if (close && isEmpty) {
      issues.add({ start: open.start, end: close.end }, 'There is nothing between the parentheses.');
    }
    return node;
  }

  const tree = readOr();
  while (at < tokens.length && !issues.full()) {
    issues.add(tokens[at++] as Token, 'There is no ( that this ) would close.');
    readOr();
  }
  return tree;
}

const nothing = ({ start, end }: Span): Node => ({ type: 'and', nodes: [], start, end });

/** One node of several: those of the same kind inside become part of it. */
function joined(type: 'and' | 'or', nodes: Node[]): Node {
  const [first] = nodes;
  if (nodes.length === 1 && first) return first;
  const flat = nodes.flatMap((node) => (node.type === type ? node.nodes : [node]));
  return { type, nodes: flat, start: first?.start ?? 0, end: nodes.at(-1)?.end ?? 0 };
}
