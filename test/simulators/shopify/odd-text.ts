/** Text that breaks careless software: every entry is legal in a JSON string and must arrive code point by code point. */

export const oddNames = [
  'Zoë Faßbinder',
  'José "Pepe" Núñez',
  "Siobhán O'Connor-Smith",
  '山田 太郎',
  'محمد عبد الله',
  'שָׁלוֹם כהן',
  'Bjo\u0308rn Zu\u0308rcher',
  'Nguyễn Thị Ánh',
  '👩‍👩‍👧‍👦 Family',
  'Tom & Jerry <tom@example.com>',
  'ก้องภพ ใจดี',
  'a\u0308\u0323\u0331\u20dd stacked',
] as const;

export const oddStreets = [
  '12 Rue de l’Église, Bât. B',
  '1/2 Main St. \\ rear "left" entrance',
  'Straße des 17. Juni 135 & Söhne',
  '東京都渋谷区神宮前１−２−３',
  'شارع الملك فهد ١٢',
  'רחוב הרצל 5 \u200f(קומה ב׳)',
  '5th floor 💸🚀, door 😀',
  'C/O <b>Bob</b>; DROP TABLE orders;--',
  'Line one\nLine two\tTab',
] as const;

export const oddNotes = [
  'lone high surrogate \ud83d here',
  'lone low surrogate \udc00 here',
  'swapped pair \ude00\ud83d',
  'control \u0000\u0001\u0007\u001b[31m\u007f\u0085 characters',
  'separators \u2028 and \u2029, bom \ufeff, zero width \u200b',
  'right-to-left override \u202eesrever\u202c',
  'template ${record.id} {{mustache}} $(touch x) `tick` %s %n',
  'quotes " \' ` and slashes / \\ // \\\\',
  'emoji 🧥🇩🇪👍🏽 and math 𝔘𝔫𝔦𝔠𝔬𝔡𝔢',
  'null',
  '9007199254740993',
  'e\u0301 is not \u00e9',
] as const;
