// https://jdbc.postgresql.org/documentation/query/

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.Statement;

public class Pgjdbc {
    public static void main(String[] arguments) throws Exception {
        Connection conn = DriverManager.getConnection(System.getenv("DATABASE_URL"));

        Statement st = conn.createStatement();
        ResultSet rs = st.executeQuery("SELECT * FROM mytable WHERE columnfoo = 500");
        while (rs.next()) {
            System.out.print("Column 1 returned ");
            System.out.println(rs.getString(1));
        }
        rs.close();
        st.close();
        System.out.println(conn.getMetaData().getDatabaseProductName());
        conn.close();
    }
}
