/**
 * The one import of chevrotain: by its shipped bundle, which loads in a twentieth of the time that the package
 * entry takes with its many modules. Where no bundle is found, the entry serves.
 */
import type * as Chevrotain from 'chevrotain';

async function load(): Promise<typeof Chevrotain> {
  try {
    // The bundle is not among the package's exports; it lies at a fixed place beside the entry.
    const bundle = new URL('../chevrotain.min.mjs', import.meta.resolve('chevrotain'));
    return (await import(bundle.href)) as typeof Chevrotain;
  } catch {
    return import('chevrotain');
  }
}

const chevrotain = await load();

export const createToken = chevrotain.createToken;
export const CstParser = chevrotain.CstParser;
export const EOF = chevrotain.EOF;

export type {
  CstElement,
  CstNode,
  IParserErrorMessageProvider,
  IRecognitionException,
  ISyntacticContentAssistPath,
  IToken,
  TokenType,
} from 'chevrotain';
