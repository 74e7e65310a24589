/**
 * Parsed documents that may come again. Anybody can send new ones without end, and each takes up to 250 times the
 * room of its text: so the cache is bounded by text, not by number.
 */
import type { DocumentNode } from 'graphql';

/** Together this many characters: some 32 MiB at worst, or a few hundred documents of people. */
const charactersMax = 2 ** 17;

export interface DocumentCache {
  get(text: string): DocumentNode | undefined;
  set(text: string, document: DocumentNode): void;
}

/** What was not asked for the longest goes first. */
export function documentCache(max = charactersMax): DocumentCache {
  const documents = new Map<string, DocumentNode>();
  let characters = 0;
  return {
    get(text) {
      const found = documents.get(text);
      if (found) {
        documents.delete(text);
        documents.set(text, found);
      }
      return found;
    },
    set(text, document) {
      if (!documents.delete(text)) characters += text.length;
      documents.set(text, document);
      for (const oldest of documents.keys()) {
        if (characters <= max) break;
        documents.delete(oldest);
        characters -= oldest.length;
      }
    },
  };
}
