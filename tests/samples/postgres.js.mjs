// https://github.com/porsager/postgres#usage
import postgres from 'postgres'

const sql = postgres(process.env.DATABASE_URL)

async function getUsersOver(age) {
  const users = await sql`
    select
      name,
      age
    from users
    where age > ${ age }
  `
  // users = Result [{ name: "Walter", age: 80 }, { name: 'Murray', age: 68 }, ...]
  return users
}

console.log([...await getUsersOver(50)])
await sql.end()
