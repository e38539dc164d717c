#!/bin/sh
# Installs one Java driver and its shim into $DEST: by the checksums in jars.sha256 when PINNED, else at $VERSION.
set -eu
lib=$DEST/lib
mvn -q -B -Dstyle.color=never dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$lib" \
	-Ddriver.version="$VERSION" </dev/null
if [ "${PINNED:-}" = 1 ]; then
	sums=$PWD/jars.sha256
	(cd "$lib" && sha256sum --quiet --strict --check "$sums")
fi
# Some jars leave out the annotations that their classes bear.
javac -Xlint:all,-classfile,-processing -Werror -d "$DEST/classes" -cp "$lib/*" ../java/*.java Shim.java
jar --create --file "$lib/shim.jar" -C "$DEST/classes" .
rm -r "$DEST/classes"
# An archive of the classes that a connection loads halves the start. It counts only for the same class path and collector.
cat >"$DEST/training" <<'EOF'
{"type":"hello","contract":1}
EOF
jars=$(find "$lib" -name '*.jar' | LC_ALL=C sort | paste -sd :)
cat >"$DEST/java.arguments" <<EOF
-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xmx128m
# The JVM writes its own warnings to standard output, which is the contract's.
-Xlog:disable -Xlog:all=warning:stderr
-cp $jars
EOF
mkdir "$DEST/home"
HOME=$DEST/home java -XX:ArchiveClassesAtExit="$DEST/shim.jsa" -Xlog:disable "@$DEST/java.arguments" Shim <"$DEST/training" >/dev/null
rm -r "$DEST/home"
