/**
 * The only module that imports chevrotain. The build replaces the compiled code of this file with a bundle of the
 * package, because the package's entry loads 600 files.
 */
export {
  type CstElement,
  type CstNode,
  CstParser,
  createToken,
  EOF,
  type IParserErrorMessageProvider,
  type IRecognitionException,
  type ISyntacticContentAssistPath,
  type IToken,
  type TokenType,
} from 'chevrotain';
