/** By itself, as streams are looked at line by line before a reader is loaded. */

/** What kubectl's JSON says of a node, and of a list. */
export const KUBERNETES_KIND =
  /"kind"\s{0,20}:\s{0,20}"(?:Node|NodeList|NodeFeature|NodeFeatureList|List)"/;
