// Prints what MikroORM would change in the database to make it what its entities say.
import { MikroORM, defineEntity, p } from '@mikro-orm/postgresql';

const Item = defineEntity({
  name: 'Item',
  tableName: 'items',
  properties: {
    id: p.bigint().primary().autoincrement(false),
    embedding: p.type('vector').columnType('vector(3)').nullable(),
  },
});
const orm = await MikroORM.init({
  entities: [Item],
  host: process.env.PGHOST,
  port: Number(process.env.PGPORT),
  user: process.env.PGUSER,
  dbName: process.env.PGDATABASE,
});
console.log(await orm.schema.getUpdateSchemaSQL());
await orm.close(true);
