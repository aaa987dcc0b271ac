import { relative } from 'node:path'
import ts from 'typescript'

/** What to look at. */
export interface Surface {
  /** Absolute paths of the doors, which are files of the program. */
  readonly doors: readonly string[]
  /** Absolute path of the folder whose declarations need doc comments. */
  readonly root: string
}

/**
 * Lists what is reachable from the doors and has no doc comment, as `file:line name`: exports, the members of their classes,
 * interfaces and object types, and whatever declaration below the root their types name, exported or not.
 */
export function undocumentedSymbols(program: ts.Program, { doors, root }: Surface): string[] {
  const checker = program.getTypeChecker()
  const reached = new Set<ts.Node>()
  const seenTypes = new Set<ts.Type>()
  const missing = new Set<string>()

  const reachSymbol = (symbol: ts.Symbol | undefined): void => {
    if (symbol === undefined) return
    const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol
    if (target.flags & ts.SymbolFlags.ValueModule) checker.getExportsOfModule(target).forEach(reachSymbol)
    else target.declarations?.filter((node) => isBelow(node, root)).forEach(reachNode)
  }

  const reachNode = (node: ts.Node): void => {
    if (reached.has(node) || isPrivate(node)) return
    reached.add(node)
    if (isDocumentable(node) && !isDocumented(node, checker)) missing.add(placeOf(node, root))
    const name = typeNameOf(node)
    if (name !== undefined) reachSymbol(checker.getSymbolAtLocation(name))
    const inferred = inferredType(node, checker)
    if (inferred !== undefined) reachType(inferred)
    ts.forEachChild(node, (child) => {
      if (!isImplementation(child)) reachNode(child)
    })
  }

  const reachType = (type: ts.Type): void => {
    if (seenTypes.has(type)) return
    seenTypes.add(type)
    reachSymbol(type.aliasSymbol)
    reachSymbol(type.getSymbol())
    type.aliasTypeArguments?.forEach(reachType)
    if (type.isUnionOrIntersection()) type.types.forEach(reachType)
    if (isReference(type)) checker.getTypeArguments(type).forEach(reachType)
  }

  for (const door of doors) reachSymbol(moduleOf(door, program))
  return [...missing].toSorted()
}

function moduleOf(door: string, program: ts.Program): ts.Symbol {
  const source = program.getSourceFile(door)
  const module = source && program.getTypeChecker().getSymbolAtLocation(source)
  if (module === undefined) throw new Error(`${door} is no module of the program`)
  return module
}

function isBelow(node: ts.Node, root: string): boolean {
  return node.getSourceFile().fileName.startsWith(`${root}/`)
}

function isPrivate(node: ts.Node): boolean {
  if (ts.isClassElement(node) && node.name !== undefined && ts.isPrivateIdentifier(node.name)) return true
  if (!ts.canHaveModifiers(node)) return false
  return ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.PrivateKeyword) ?? false
}

type Documentable = ts.NamedDeclaration | ts.ConstructorDeclaration

/** Parameters, type parameters and nameless signatures are spoken about in their owner's comment. */
function isDocumentable(node: ts.Node): node is Documentable {
  return (
    ts.isFunctionDeclaration(node) ||
    ts.isClassDeclaration(node) ||
    ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node) ||
    ts.isVariableDeclaration(node) ||
    ts.isConstructorDeclaration(node) ||
    ts.isObjectLiteralElement(node) ||
    ts.isPropertyDeclaration(node) ||
    ts.isMethodSignature(node) ||
    ts.isPropertySignature(node)
  )
}

function isDocumented(node: Documentable, checker: ts.TypeChecker): boolean {
  const documented = ts.isConstructorDeclaration(node)
    ? checker.getSignatureFromDeclaration(node)
    : checker.getSymbolAtLocation(node.name ?? node)
  return ts.displayPartsToString(documented?.getDocumentationComment(checker)).trim() !== ''
}

function placeOf(node: Documentable, root: string): string {
  const source = node.getSourceFile()
  const line = source.getLineAndCharacterOfPosition(node.getStart()).line + 1
  const name = ts.isConstructorDeclaration(node) ? 'constructor' : (node.name?.getText() ?? 'default')
  return `${relative(root, source.fileName)}:${line} ${name}`
}

function typeNameOf(node: ts.Node): ts.Node | undefined {
  if (ts.isTypeReferenceNode(node)) return node.typeName
  if (ts.isExpressionWithTypeArguments(node)) return node.expression
  if (ts.isTypeQueryNode(node)) return node.exprName
  return ts.isImportTypeNode(node) ? node.qualifier : undefined
}

/** What the compiler inferred where no type is written: of a variable, a property, a parameter, or a function's result. */
function inferredType(node: ts.Node, checker: ts.TypeChecker): ts.Type | undefined {
  if (ts.isPropertyAssignment(node) || ts.isShorthandPropertyAssignment(node)) return checker.getTypeAtLocation(node)
  if (ts.isVariableDeclaration(node) || ts.isPropertyDeclaration(node) || ts.isParameter(node)) {
    return node.type === undefined ? checker.getTypeAtLocation(node) : undefined
  }
  if (!ts.isFunctionLike(node) || node.type !== undefined) return undefined
  const signature = checker.getSignatureFromDeclaration(node)
  return signature && checker.getReturnTypeOfSignature(signature)
}

/** Function bodies and initial values: no part of what a user sees. */
function isImplementation(node: ts.Node): boolean {
  const { parent } = node
  if (ts.isBlock(node) || (ts.isArrowFunction(parent) && node === parent.body)) return true
  const hasValue = ts.isVariableDeclaration(parent) || ts.isPropertyDeclaration(parent) || ts.isParameter(parent)
  return (hasValue || ts.isPropertyAssignment(parent)) && node === parent.initializer
}

function isReference(type: ts.Type): type is ts.TypeReference {
  return 'target' in type
}
