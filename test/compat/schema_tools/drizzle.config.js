module.exports = {
  dialect: 'postgresql',
  schema: './drizzle_schema.js',
  out: './drizzle',
  dbCredentials: {
    host: process.env.PGHOST,
    port: Number(process.env.PGPORT),
    user: process.env.PGUSER,
    database: process.env.PGDATABASE,
    ssl: false,
  },
};
