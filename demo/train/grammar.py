"""Parallel grammar of everyday sentences in English, German, Spanish and French.

Every sentence is a tuple of four strings in the order of LANGUAGES: the same thing said in each language, so a
sentence is both a transcription target and, through its first element, a translation target. Numbers are
spelled out. The tables were written for this project; nothing is taken from a corpus.
"""

from __future__ import annotations

import random
import zlib

LANGUAGES = ("en", "de", "es", "fr")
LANGUAGE_NAMES = {"en": "english", "de": "german", "es": "spanish", "fr": "french"}
Sentence = tuple[str, str, str, str]


def row(text: str) -> Sentence:
    """Split "a / b / c / d" into its four languages."""
    parts = tuple(part.strip() for part in text.split("/"))
    assert len(parts) == 4, text
    return parts  # type: ignore[return-value]


def table(text: str) -> list[Sentence]:
    """One row a line."""
    return [row(line) for line in text.strip().splitlines() if line.strip()]


NAMES = ("Anna Peter Maria Thomas Sofia Paul Laura David Emma Martin Julia Daniel Clara Robert Nina Victor").split()

# Subjects in the third person singular.
SUBJECTS = table(
    """
my mother / meine Mutter / mi madre / ma mère
my father / mein Vater / mi padre / mon père
my brother / mein Bruder / mi hermano / mon frère
my sister / meine Schwester / mi hermana / ma sœur
the teacher / der Lehrer / el profesor / le professeur
the doctor / der Arzt / el médico / le médecin
our neighbor / unser Nachbar / nuestro vecino / notre voisin
the student / der Student / el estudiante / l'étudiant
my friend / mein Freund / mi amigo / mon ami
the old man / der alte Mann / el anciano / le vieil homme
the young woman / die junge Frau / la mujer joven / la jeune femme
the boy / der Junge / el niño / le garçon
the girl / das Mädchen / la niña / la fille
my uncle / mein Onkel / mi tío / mon oncle
"""
)

# Predicates; in German "|" is where the time goes (verb second).
VERB_PHRASES = table(
    """
buys a new car / kauft|ein neues Auto / compra un coche nuevo / achète une nouvelle voiture
reads a long book / liest|ein langes Buch / lee un libro largo / lit un long livre
drinks cold water / trinkt|kaltes Wasser / bebe agua fría / boit de l'eau froide
eats fresh bread / isst|frisches Brot / come pan fresco / mange du pain frais
writes a letter / schreibt|einen Brief / escribe una carta / écrit une lettre
plays the piano / spielt|Klavier / toca el piano / joue du piano
cooks dinner / kocht|das Abendessen / prepara la cena / prépare le dîner
speaks German / spricht|Deutsch / habla alemán / parle allemand
watches a movie / sieht|einen Film / ve una película / regarde un film
listens to music / hört|Musik / escucha música / écoute de la musique
visits the museum / besucht|das Museum / visita el museo / visite le musée
opens the window / öffnet|das Fenster / abre la ventana / ouvre la fenêtre
closes the door / schließt|die Tür / cierra la puerta / ferme la porte
washes the dishes / wäscht|das Geschirr / lava los platos / lave la vaisselle
paints the wall / streicht|die Wand / pinta la pared / peint le mur
works in the garden / arbeitet|im Garten / trabaja en el jardín / travaille dans le jardin
sleeps on the sofa / schläft|auf dem Sofa / duerme en el sofá / dort sur le canapé
walks in the park / spaziert|im Park / camina por el parque / marche dans le parc
swims in the lake / schwimmt|im See / nada en el lago / nage dans le lac
waits at the station / wartet|am Bahnhof / espera en la estación / attend à la gare
tells a funny story / erzählt|eine lustige Geschichte / cuenta una historia divertida / raconte une histoire drôle
forgets the key / vergisst|den Schlüssel / olvida la llave / oublie la clé
pays the bill / bezahlt|die Rechnung / paga la cuenta / paie la facture
takes the bus / nimmt|den Bus / toma el autobús / prend le bus
sends a message / schickt|eine Nachricht / envía un mensaje / envoie un message
sings a song / singt|ein Lied / canta una canción / chante une chanson
runs very fast / läuft|sehr schnell / corre muy rápido / court très vite
"""
)

# Infinitive phrases after want, can.
INFINITIVES = table(
    """
learn Spanish / Spanisch lernen / aprender español / apprendre l'espagnol
buy a house / ein Haus kaufen / comprar una casa / acheter une maison
travel to the sea / ans Meer reisen / viajar al mar / voyager à la mer
drink a glass of milk / ein Glas Milch trinken / beber un vaso de leche / boire un verre de lait
see the mountains / die Berge sehen / ver las montañas / voir les montagnes
find a good job / eine gute Arbeit finden / encontrar un buen trabajo / trouver un bon travail
call the police / die Polizei rufen / llamar a la policía / appeler la police
go to the beach / an den Strand gehen / ir a la playa / aller à la plage
stay at home / zu Hause bleiben / quedarse en casa / rester à la maison
dance all night / die ganze Nacht tanzen / bailar toda la noche / danser toute la nuit
read the newspaper / die Zeitung lesen / leer el periódico / lire le journal
sleep a little / ein wenig schlafen / dormir un poco / dormir un peu
"""
)

# Things to order (accusative in German).
OBJECTS = table(
    """
a coffee / einen Kaffee / un café / un café
a cup of tea / eine Tasse Tee / una taza de té / une tasse de thé
a glass of wine / ein Glas Wein / una copa de vino / un verre de vin
a bottle of water / eine Flasche Wasser / una botella de agua / une bouteille d'eau
an orange juice / einen Orangensaft / un zumo de naranja / un jus d'orange
a sandwich / ein Sandwich / un bocadillo / un sandwich
a green apple / einen grünen Apfel / una manzana verde / une pomme verte
a chocolate cake / einen Schokoladenkuchen / un pastel de chocolate / un gâteau au chocolat
a tomato soup / eine Tomatensuppe / una sopa de tomate / une soupe à la tomate
a table for two / einen Tisch für zwei / una mesa para dos / une table pour deux
a red shirt / ein rotes Hemd / una camisa roja / une chemise rouge
a warm jacket / eine warme Jacke / una chaqueta caliente / une veste chaude
a pair of shoes / ein Paar Schuhe / un par de zapatos / une paire de chaussures
an umbrella / einen Regenschirm / un paraguas / un parapluie
a newspaper / eine Zeitung / un periódico / un journal
a pencil / einen Bleistift / un lápiz / un crayon
some cheese / etwas Käse / un poco de queso / un peu de fromage
"""
)

# Places.
PLACES = table(
    """
in the kitchen / in der Küche / en la cocina / dans la cuisine
in the garden / im Garten / en el jardín / dans le jardin
on the table / auf dem Tisch / en la mesa / sur la table
under the bed / unter dem Bett / debajo de la cama / sous le lit
behind the door / hinter der Tür / detrás de la puerta / derrière la porte
next to the window / neben dem Fenster / al lado de la ventana / à côté de la fenêtre
in the living room / im Wohnzimmer / en el salón / dans le salon
in the office / im Büro / en la oficina / au bureau
near the station / in der Nähe des Bahnhofs / cerca de la estación / près de la gare
on the left / links / a la izquierda / à gauche
on the right / rechts / a la derecha / à droite
in the city center / im Stadtzentrum / en el centro de la ciudad / au centre-ville
at school / in der Schule / en la escuela / à l'école
on the street / auf der Straße / en la calle / dans la rue
in the forest / im Wald / en el bosque / dans la forêt
"""
)

# Plural nouns that follow a number.
PLURALS = table(
    """
books / Bücher / libros / livres
chairs / Stühle / sillas / chaises
cars / Autos / coches / voitures
apples / Äpfel / manzanas / pommes
children / Kinder / niños / enfants
people / Leute / personas / personnes
cats / Katzen / gatos / chats
dogs / Hunde / perros / chiens
birds / Vögel / pájaros / oiseaux
flowers / Blumen / flores / fleurs
trees / Bäume / árboles / arbres
windows / Fenster / ventanas / fenêtres
letters / Briefe / cartas / lettres
tickets / Fahrkarten / billetes / billets
questions / Fragen / preguntas / questions
friends / Freunde / amigos / amis
rooms / Zimmer / habitaciones / chambres
"""
)

# Cities.
CITIES = table(
    """
Berlin / Berlin / Berlín / Berlin
Madrid / Madrid / Madrid / Madrid
Paris / Paris / París / Paris
London / London / Londres / Londres
Rome / Rom / Roma / Rome
Vienna / Wien / Viena / Vienne
Munich / München / Múnich / Munich
Barcelona / Barcelona / Barcelona / Barcelone
Hamburg / Hamburg / Hamburgo / Hambourg
Brussels / Brüssel / Bruselas / Bruxelles
Athens / Athen / Atenas / Athènes
New York / New York / Nueva York / New York
"""
)

# Adverbials of time; months are added below.
TIMES = table(
    """
on Monday / am Montag / el lunes / lundi
on Tuesday / am Dienstag / el martes / mardi
on Wednesday / am Mittwoch / el miércoles / mercredi
on Thursday / am Donnerstag / el jueves / jeudi
on Friday / am Freitag / el viernes / vendredi
on Saturday / am Samstag / el sábado / samedi
on Sunday / am Sonntag / el domingo / dimanche
today / heute / hoy / aujourd'hui
now / jetzt / ahora / maintenant
in the morning / am Morgen / por la mañana / le matin
in the evening / am Abend / por la tarde / le soir
every day / jeden Tag / todos los días / tous les jours
this week / diese Woche / esta semana / cette semaine
after work / nach der Arbeit / después del trabajo / après le travail
in the summer / im Sommer / en verano / en été
in the winter / im Winter / en invierno / en hiver
"""
)

# Weather, in the inverted German order.
WEATHER = table(
    """
it is raining / regnet es / llueve / il pleut
it is snowing / schneit es / nieva / il neige
it is very cold / ist es sehr kalt / hace mucho frío / il fait très froid
it is hot / ist es heiß / hace calor / il fait chaud
it is windy / ist es windig / hace viento / il y a du vent
it is cloudy / ist es bewölkt / está nublado / il y a des nuages
it is sunny / ist es sonnig / hace sol / il y a du soleil
it is dark / ist es dunkel / está oscuro / il fait sombre
there is a storm / gibt es einen Sturm / hay una tormenta / il y a une tempête
"""
)

# Colours as nouns.
COLOURS = table(
    """
red / Rot / rojo / rouge
green / Grün / verde / vert
blue / Blau / azul / bleu
yellow / Gelb / amarillo / jaune
black / Schwarz / negro / noir
white / Weiß / blanco / blanc
orange / Orange / naranja / orange
brown / Braun / marrón / marron
pink / Rosa / rosa / rose
"""
)

# Devices (accusative in German).
DEVICES = table(
    """
the light / das Licht / la luz / la lumière
the radio / das Radio / la radio / la radio
the television / den Fernseher / la televisión / la télévision
the music / die Musik / la música / la musique
the coffee machine / die Kaffeemaschine / la cafetera / la machine à café
the alarm / den Alarm / la alarma / l'alarme
"""
)

# Fixed sentences.
FIXED = table(
    """
Good morning, everyone. / Guten Morgen zusammen. / Buenos días a todos. / Bonjour à tous.
How are you today? / Wie geht es dir heute? / ¿Cómo estás hoy? / Comment vas-tu aujourd'hui?
Can you help me, please? / Können Sie mir bitte helfen? / ¿Puede ayudarme, por favor? / Pouvez-vous m'aider, s'il vous plaît?
I do not understand the question. / Ich verstehe die Frage nicht. / No entiendo la pregunta. / Je ne comprends pas la question.
Please speak more slowly. / Bitte sprechen Sie langsamer. / Por favor, hable más despacio. / Parlez plus lentement, s'il vous plaît.
Thank you very much for your help. / Vielen Dank für Ihre Hilfe. / Muchas gracias por su ayuda. / Merci beaucoup pour votre aide.
What time is it? / Wie spät ist es? / ¿Qué hora es? / Quelle heure est-il?
I am very hungry. / Ich habe großen Hunger. / Tengo mucha hambre. / J'ai très faim.
I am very tired. / Ich bin sehr müde. / Estoy muy cansado. / Je suis très fatigué.
See you tomorrow. / Bis morgen. / Hasta mañana. / À demain.
Have a nice weekend. / Schönes Wochenende. / Buen fin de semana. / Bon week-end.
Welcome to our city. / Willkommen in unserer Stadt. / Bienvenidos a nuestra ciudad. / Bienvenue dans notre ville.
That is a good idea. / Das ist eine gute Idee. / Es una buena idea. / C'est une bonne idée.
The meeting starts now. / Die Besprechung beginnt jetzt. / La reunión empieza ahora. / La réunion commence maintenant.
We have a small problem. / Wir haben ein kleines Problem. / Tenemos un pequeño problema. / Nous avons un petit problème.
This is only a test. / Das ist nur ein Test. / Esto es solo una prueba. / Ce n'est qu'un test.
I love this song. / Ich liebe dieses Lied. / Me encanta esta canción. / J'adore cette chanson.
Happy birthday, my friend. / Alles Gute zum Geburtstag, mein Freund. / Feliz cumpleaños, amigo. / Joyeux anniversaire, mon ami.
Nobody knows the answer. / Niemand kennt die Antwort. / Nadie sabe la respuesta. / Personne ne connaît la réponse.
Everything is ready. / Alles ist bereit. / Todo está listo. / Tout est prêt.
"""
)

# Greetings.
GREETINGS = table(
    """
Good morning / Guten Morgen / Buenos días / Bonjour
Good evening / Guten Abend / Buenas noches / Bonsoir
Hello / Hallo / Hola / Salut
Goodbye / Auf Wiedersehen / Adiós / Au revoir
Thank you / Danke / Gracias / Merci
"""
)

# Nouns with article; after "#" the gender in Spanish and in French.
NOUNS = [
    (row(line.split("#")[0]), line.split("#")[1])
    for line in """
the car / das Auto / el coche / la voiture#mf
the house / das Haus / la casa / la maison#ff
the kitchen / die Küche / la cocina / la cuisine#ff
the window / das Fenster / la ventana / la fenêtre#ff
the door / die Tür / la puerta / la porte#ff
the table / der Tisch / la mesa / la table#ff
the bed / das Bett / la cama / le lit#fm
the lamp / die Lampe / la lámpara / la lampe#ff
the book / das Buch / el libro / le livre#mm
the phone / das Telefon / el teléfono / le téléphone#mm
the computer / der Computer / el ordenador / l'ordinateur#mm
the train / der Zug / el tren / le train#mm
the bus / der Bus / el autobús / le bus#mm
the airport / der Flughafen / el aeropuerto / l'aéroport#mm
the hotel / das Hotel / el hotel / l'hôtel#mm
the restaurant / das Restaurant / el restaurante / le restaurant#mm
the hospital / das Krankenhaus / el hospital / l'hôpital#mm
the school / die Schule / la escuela / l'école#ff
the church / die Kirche / la iglesia / l'église#ff
the market / der Markt / el mercado / le marché#mm
the bridge / die Brücke / el puente / le pont#mm
the river / der Fluss / el río / la rivière#mf
the mountain / der Berg / la montaña / la montagne#ff
the forest / der Wald / el bosque / la forêt#mf
the garden / der Garten / el jardín / le jardin#mm
the street / die Straße / la calle / la rue#ff
the dog / der Hund / el perro / le chien#mm
the cat / die Katze / el gato / le chat#mm
the horse / das Pferd / el caballo / le cheval#mm
the bird / der Vogel / el pájaro / l'oiseau#mm
the flower / die Blume / la flor / la fleur#ff
the tree / der Baum / el árbol / l'arbre#mm
the water / das Wasser / el agua / l'eau#ff
the bread / das Brot / el pan / le pain#mm
the key / der Schlüssel / la llave / la clé#ff
the picture / das Bild / el cuadro / le tableau#mm
the answer / die Antwort / la respuesta / la réponse#ff
the library / die Bibliothek / la biblioteca / la bibliothèque#ff
""".strip().splitlines()
]

# Adjectives: en / de / Spanish copula / Spanish m,f / French m,f.
ADJECTIVES = [
    (en, de, copula, es.split(","), fr.split(","))
    for en, de, copula, es, fr in (
        line.split("/")
        for line in """
red/rot/es/rojo,roja/rouge,rouge
green/grün/es/verde,verde/vert,verte
blue/blau/es/azul,azul/bleu,bleue
yellow/gelb/es/amarillo,amarilla/jaune,jaune
black/schwarz/es/negro,negra/noir,noire
white/weiß/es/blanco,blanca/blanc,blanche
big/groß/es/grande,grande/grand,grande
small/klein/es/pequeño,pequeña/petit,petite
new/neu/es/nuevo,nueva/nouveau,nouvelle
old/alt/es/viejo,vieja/vieux,vieille
beautiful/schön/es/hermoso,hermosa/beau,belle
expensive/teuer/es/caro,cara/cher,chère
cheap/billig/es/barato,barata/bon marché,bon marché
clean/sauber/está/limpio,limpia/propre,propre
dirty/schmutzig/está/sucio,sucia/sale,sale
cold/kalt/está/frío,fría/froid,froide
hot/heiß/está/caliente,caliente/chaud,chaude
empty/leer/está/vacío,vacía/vide,vide
full/voll/está/lleno,llena/plein,pleine
broken/kaputt/está/roto,rota/cassé,cassée
quiet/ruhig/es/tranquilo,tranquila/calme,calme
important/wichtig/es/importante,importante/important,importante
""".strip().splitlines()
    )
]

MONTHS = table(
    """
January / Januar / enero / janvier
February / Februar / febrero / février
March / März / marzo / mars
April / April / abril / avril
May / Mai / mayo / mai
June / Juni / junio / juin
July / Juli / julio / juillet
August / August / agosto / août
September / September / septiembre / septembre
October / Oktober / octubre / octobre
November / November / noviembre / novembre
December / Dezember / diciembre / décembre
"""
)
IN_MONTH = [(f"in {m[0]}", f"im {m[1]}", f"en {m[2]}", f"en {m[3]}") for m in MONTHS]

_SMALL = {
    "en": "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen",
    "de": "null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn "
    "siebzehn achtzehn neunzehn",
    "es": "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis "
    "diecisiete dieciocho diecinueve",
    "fr": "zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize dix-sept dix-huit dix-neuf",
}
SMALL = {language: words.split() for language, words in _SMALL.items()}
_TENS = {
    "en": "twenty thirty forty fifty sixty seventy eighty ninety",
    "de": "zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig",
    "es": "veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa",
    "fr": "vingt trente quarante cinquante soixante soixante quatre-vingt quatre-vingt",
}
TENS = {language: ["", "", *words.split()] for language, words in _TENS.items()}
HUNDRED = {"en": "one hundred", "de": "hundert", "es": "cien", "fr": "cent"}


def spell(n: int, language: str) -> str:
    """The number n, 0 to 100, in words."""
    if n < 20:
        return SMALL[language][n]
    if n == 100:
        return HUNDRED[language]
    tens, units = divmod(n, 10)
    ten = TENS[language][tens]
    unit = SMALL[language][units]
    if language == "en":
        return ten if units == 0 else f"{ten} {unit}"
    if language == "de":
        return ten if units == 0 else ("ein" if units == 1 else unit) + "und" + ten
    if language == "es":
        if units == 0:
            return ten
        if tens == 2:
            return "veinti" + {2: "dós", 3: "trés", 6: "séis"}.get(units, unit)
        return f"{ten} y {unit}"
    if tens in (7, 9):
        return ten + (" et onze" if tens == 7 and units == 1 else "-" + SMALL["fr"][10 + units])
    if units == 0:
        return ten + ("s" if tens == 8 else "")
    if units == 1 and tens != 8:
        return ten + " et un"
    return f"{ten}-{unit}"


def number(n: int) -> Sentence:
    """The number n in the four languages."""
    return tuple(spell(n, language) for language in LANGUAGES)  # type: ignore[return-value]


def capitalise(text: str) -> str:
    """Upper-case the first letter, past an opening ¿ or ¡."""
    at = next((i for i, c in enumerate(text) if c.isalpha()), 0)
    return text[:at] + text[at].upper() + text[at + 1 :]


def form(template: str, **slots: Sentence) -> Sentence:
    """Fill the four templates of a row from the four forms of each slot."""
    return tuple(  # type: ignore[return-value]
        capitalise(part.format(**{name: value[i] for name, value in slots.items()})) for i, part in enumerate(row(template))
    )


def clock(r: random.Random) -> Sentence:
    """A time of day."""
    hour = r.randint(1, 12)
    es = "la una" if hour == 1 else "las " + spell(hour, "es")
    fr = "une heure" if hour == 1 else spell(hour, "fr") + " heures"
    kind = r.randint(0, 2)
    if kind == 0:
        de = "ein" if hour == 1 else spell(hour, "de")
        return (f"at {spell(hour, 'en')} o'clock", f"um {de} Uhr", f"a {es}", f"à {fr}")
    if kind == 1:
        de = spell(hour % 12 + 1, "de")
        return (f"at half past {spell(hour, 'en')}", f"um halb {de}", f"a {es} y media", f"à {fr} et demie")
    return (
        f"at a quarter past {spell(hour, 'en')}",
        f"um Viertel nach {spell(hour, 'de')}",
        f"a {es} y cuarto",
        f"à {fr} et quart",
    )


def name(r: random.Random) -> Sentence:
    """A first name, the same in all languages."""
    return (r.choice(NAMES),) * 4  # type: ignore[return-value]


def subject(r: random.Random) -> Sentence:
    """Who does it."""
    return name(r) if r.random() < 0.4 else r.choice(SUBJECTS)


def when(r: random.Random) -> Sentence:
    """A day, a time of day or a month."""
    return r.choice(IN_MONTH) if r.random() < 0.3 else r.choice(TIMES)


def count(r: random.Random, low: int = 2, high: int = 99) -> Sentence:
    """A number that needs no gender agreement (none ends in one, but eleven)."""
    while True:
        n = r.randint(low, high)
        if n % 10 != 1 or n == 11:
            return number(n)


def _agree(forms: list[str], gender: str) -> str:
    return forms["mf".index(gender)]


def verb_phrase(r: random.Random) -> Sentence:
    """Somebody does something, perhaps at some time."""
    s, v = subject(r), r.choice(VERB_PHRASES)
    p = r.random()
    t = when(r) if p < 0.4 else clock(r) if p < 0.65 else None
    de = v[1].split("|")
    at = [" " + x for x in t] if t else [""] * 4
    return tuple(  # type: ignore[return-value]
        capitalise(x)
        for x in (
            f"{s[0]} {v[0]}{at[0]}.",
            f"{s[1]} {de[0]}{at[1]} {de[1]}.",
            f"{s[2]} {v[2]}{at[2]}.",
            f"{s[3]} {v[3]}{at[3]}.",
        )
    )


def adjective(r: random.Random) -> Sentence:
    """Something is so, so and so, or not so."""
    (n, gender), a = r.choice(NOUNS), r.choice(ADJECTIVES)
    es, fr = _agree(a[3], gender[0]), _agree(a[4], gender[1])
    p = r.random()
    if p < 0.2:
        b = r.choice([x for x in ADJECTIVES if x[2] == a[2] and x is not a])
        es2, fr2 = _agree(b[3], gender[0]), _agree(b[4], gender[1])
        out = (
            f"{n[0]} is {a[0]} and {b[0]}.",
            f"{n[1]} ist {a[1]} und {b[1]}.",
            f"{n[2]} {a[2]} {es} y {es2}.",
            f"{n[3]} est {fr} et {fr2}.",
        )
    elif p < 0.5:
        out = (
            f"{n[0]} is not very {a[0]}.",
            f"{n[1]} ist nicht sehr {a[1]}.",
            f"{n[2]} no {a[2]} muy {es}.",
            f"{n[3]} n'est pas très {fr}.",
        )
    else:
        out = (f"{n[0]} is {a[0]}.", f"{n[1]} ist {a[1]}.", f"{n[2]} {a[2]} {es}.", f"{n[3]} est {fr}.")
    return tuple(capitalise(x) for x in out)  # type: ignore[return-value]


def weather(r: random.Random) -> Sentence:
    """The weather somewhere, sometimes at some time."""
    w, c = r.choice(WEATHER), r.choice(CITIES)
    if r.random() < 0.5:
        t = when(r)
        out = (f"{t[0]} {w[0]} in {c[0]}.", f"{t[1]} {w[1]} in {c[1]}.", f"{t[2]} {w[2]} en {c[2]}.", f"{t[3]} {w[3]} à {c[3]}.")
    else:
        out = (f"in {c[0]} {w[0]}.", f"in {c[1]} {w[1]}.", f"en {c[2]} {w[2]}.", f"à {c[3]} {w[3]}.")
    return tuple(capitalise(x) for x in out)  # type: ignore[return-value]


def digits(r: random.Random) -> Sentence:
    """Three to five digits read one by one."""
    ds = [r.randint(0, 9) for _ in range(r.randint(3, 5))]
    return tuple(" ".join(spell(d, language) for d in ds) for language in LANGUAGES)  # type: ignore[return-value]


def addition(r: random.Random) -> Sentence:
    """A sum that is right."""
    a, b = r.randint(0, 50), r.randint(0, 49)
    return form(
        "{a} plus {b} is {c}. / {a} plus {b} ist {c}. / {a} más {b} son {c}. / {a} plus {b} font {c}.",
        a=number(a), b=number(b), c=number(a + b),
    )  # fmt: skip


def train(r: random.Random) -> Sentence:
    """A departure."""
    return form(
        "the train to {c} leaves {t}. / der Zug nach {c} fährt {t} ab. / el tren a {c} sale {t}. / le train pour {c} part {t}.",
        c=r.choice(CITIES), t=clock(r) if r.random() < 0.7 else r.choice(TIMES[:7]),
    )  # fmt: skip


# Template, weight, and how each of its slots is drawn.
TEMPLATES: list[tuple[str, float, dict]] = [
    ("{s} wants to {i}. / {s} will {i}. / {s} quiere {i}. / {s} veut {i}.", 3, {"s": subject, "i": INFINITIVES}),
    ("I want to {i} {t}. / ich will {t} {i}. / quiero {i} {t}. / je veux {i} {t}.", 2, {"t": when, "i": INFINITIVES}),
    ("can we {i}? / können wir {i}? / ¿podemos {i}? / pouvons-nous {i}?", 1, {"i": INFINITIVES}),
    ("I would like {o}, please. / ich möchte {o}, bitte. / quisiera {o}, por favor. / je voudrais {o}, s'il vous plaît.", 2, {"o": OBJECTS}),
    ("do you have {o}? / haben Sie {o}? / ¿tiene usted {o}? / avez-vous {o}?", 2, {"o": OBJECTS}),
    ("{n} orders {o} and {p}. / {n} bestellt {o} und {p}. / {n} pide {o} y {p}. / {n} commande {o} et {p}.", 2, {"n": name, "o": OBJECTS, "p": OBJECTS}),
    ("{n} is {p}. / {n} ist {p}. / {n} está {p}. / {n} est {p}.", 4, {"n": "noun", "p": PLACES}),
    ("where is {n}? / wo ist {n}? / ¿dónde está {n}? / où est {n}?", 2, {"n": "noun"}),
    ("{n} costs {k} euros. / {n} kostet {k} Euro. / {n} cuesta {k} euros. / {n} coûte {k} euros.", 3, {"n": "noun", "k": count}),
    ("there are {k} {o} {p}. / es gibt {k} {o} {p}. / hay {k} {o} {p}. / il y a {k} {o} {p}.", 4, {"k": count, "o": PLURALS, "p": PLACES}),
    ("I have {k} {o} and {m} {q}. / ich habe {k} {o} und {m} {q}. / tengo {k} {o} y {m} {q}. / j'ai {k} {o} et {m} {q}.", 3, {"k": count, "o": PLURALS, "m": count, "q": PLURALS}),
    ("{s} is {k} years old. / {s} ist {k} Jahre alt. / {s} tiene {k} años. / {s} a {k} ans.", 2, {"s": subject, "k": count}),
    ("the number is {d}. / die Nummer ist {d}. / el número es {d}. / le numéro est {d}.", 3, {"d": digits}),
    ("we are going to {c} {t}. / wir fahren {t} nach {c}. / vamos a {c} {t}. / nous allons à {c} {t}.", 3, {"c": CITIES, "t": when}),
    ("{s} lives in {c}. / {s} wohnt in {c}. / {s} vive en {c}. / {s} habite à {c}.", 2, {"s": subject, "c": CITIES}),
    ("we meet {t} {p}. / wir treffen uns {t} {p}. / nos vemos {t} {p}. / on se retrouve {t} {p}.", 2, {"t": clock, "p": PLACES}),
    ("my favorite color is {c}. / meine Lieblingsfarbe ist {c}. / mi color favorito es el {c}. / ma couleur préférée est le {c}.", 1, {"c": COLOURS}),
    ("{n} likes {c} and {d}. / {n} mag {c} und {d}. / a {n} le gusta el {c} y el {d}. / {n} aime le {c} et le {d}.", 1, {"n": name, "c": COLOURS, "d": COLOURS}),
    ("turn on {d} {p}. / schalte {d} {p} ein. / enciende {d} {p}. / allume {d} {p}.", 2, {"d": DEVICES, "p": PLACES}),
    ("please turn off {d}. / bitte schalte {d} aus. / apaga {d}, por favor. / éteins {d}, s'il te plaît.", 1, {"d": DEVICES}),
    ("{g}, {n}. / {g}, {n}. / {g}, {n}. / {g}, {n}.", 1, {"g": GREETINGS, "n": name}),
    ("I know that {n} lives in {c}. / ich weiß, dass {n} in {c} wohnt. / sé que {n} vive en {c}. / je sais que {n} habite à {c}.", 1, {"n": name, "c": CITIES}),
    ("{a} and {b} are {p}. / {a} und {b} sind {p}. / {a} y {b} están {p}. / {a} et {b} sont {p}.", 2, {"a": name, "b": name, "p": PLACES}),
    ("my birthday is {m}. / mein Geburtstag ist {m}. / mi cumpleaños es {m}. / mon anniversaire est {m}.", 1.5, {"m": IN_MONTH}),
    ("{s} is coming back {m}. / {s} kommt {m} zurück. / {s} vuelve {m}. / {s} revient {m}.", 1.5, {"s": subject, "m": IN_MONTH}),
]  # fmt: skip


def _slot(kind, r: random.Random) -> Sentence:
    if kind == "noun":
        return r.choice(NOUNS)[0]
    return kind(r) if callable(kind) else r.choice(kind)


_RULES: list[tuple[object, float]] = [
    (verb_phrase, 9.0),
    (adjective, 8.0),
    (addition, 3.0),
    (weather, 4.0),
    (train, 2.0),
    (lambda r: r.choice(FIXED), 2.0),
    *((template, template[1]) for template in TEMPLATES),
]


def sentence(r: random.Random) -> Sentence:
    """Draw one sentence in all four languages."""
    rule = r.choices([rule for rule, _ in _RULES], [weight for _, weight in _RULES])[0]
    if callable(rule):
        return rule(r)
    text, _, slots = rule  # type: ignore[misc]
    return form(text, **{slot: _slot(kind, r) for slot, kind in slots.items()})


def held_out(s: Sentence) -> bool:
    """Whether a sentence belongs to the test split (4 % of all, by the English text); never heard in training."""
    return zlib.crc32(s[0].encode()) % 25 == 0


def sample(n: int, seed: int) -> list[Sentence]:
    """n different sentences."""
    r = random.Random(seed)
    found: dict[str, Sentence] = {}
    while len(found) < n:
        s = sentence(r)
        found.setdefault(s[0], s)
    return list(found.values())


if __name__ == "__main__":
    drawn = sample(20000, 1)
    for s in drawn[:40]:
        print(s)
    for i, language in enumerate(LANGUAGES):
        words = {w.strip(".,?¿!").lower() for s in drawn for w in s[i].split()}
        print(language, len(words), "words;", sum(len(s[i].split()) for s in drawn) / len(drawn), "words a sentence")
