#!/bin/sh
# Installs pgjdbc and its shim into $DEST: by the checksums in jars.sha256 when PINNED, else at $VERSION.
set -eu
lib=$DEST/lib
mvn -q -B -Dstyle.color=never dependency:copy-dependencies -DexcludeTransitive=true -Dmdep.stripVersion=true \
	-DoutputDirectory="$lib" -Dpgjdbc.version="$VERSION" </dev/null
if [ "${PINNED:-}" = 1 ]; then
	sums=$PWD/jars.sha256
	(cd "$lib" && sha256sum --quiet --strict --check "$sums")
fi
javac -Xlint:all -Werror -d "$DEST/classes" -cp "$lib/*" Shim.java
jar --create --file "$lib/shim.jar" -C "$DEST/classes" .
rm -r "$DEST/classes"
# An archive of the classes that a connection loads halves the start. It counts only for the same class path and collector.
cat >"$DEST/training" <<'EOF'
{"type":"hello","contract":1}
EOF
java -XX:ArchiveClassesAtExit="$DEST/shim.jsa" -XX:+UseSerialGC -Xlog:disable \
	-cp "$lib/shim.jar:$lib/json.jar:$lib/postgresql.jar" Shim <"$DEST/training" >/dev/null
