const { bigint, index, pgTable, vector } = require('drizzle-orm/pg-core');

const columns = () => ({
  id: bigint('id', { mode: 'number' }).primaryKey(),
  embedding: vector('embedding', { dimensions: 3 }),
});

exports.items = pgTable('items', columns(), (table) => [
  index('items_embedding').using('hnsw', table.embedding.op('vector_l2_ops')),
]);
exports.others = pgTable('others', columns());
