"""What mails about accounts say, in pt-BR and in English."""

from jinja2 import Environment, StrictUndefined

from services.notification.security.model import Letter, Purpose

_PAGES = {  # of the web app. The token stands behind the #, which browsers send to nobody and write into no referrer.
    Purpose.VERIFY_EMAIL: "verify-email",
    Purpose.CONFIRM_NEW_EMAIL: "verify-email",
    Purpose.RESET_PASSWORD: "reset-password",
}
_TEXTS: dict[str, dict[Purpose, tuple[str, str]]] = {
    "pt-BR": {
        Purpose.VERIFY_EMAIL: (
            "Confirme o seu e-mail",
            "Olá, {{ name }}. Confirme que este endereço é seu:\n{{ link }}\n"
            "O link vale por 24 horas e funciona uma vez. Se você não criou uma conta, ignore esta mensagem.",
        ),
        Purpose.CONFIRM_NEW_EMAIL: (
            "Confirme o seu novo e-mail",
            "Olá, {{ name }}. Para usar este endereço na sua conta, confirme-o:\n{{ link }}\n"
            "O link vale por 24 horas e funciona uma vez. Até lá, nada muda.",
        ),
        Purpose.RESET_PASSWORD: (
            "Defina uma nova senha",
            "Olá, {{ name }}. Para definir uma nova senha, abra:\n{{ link }}\n"
            "O link vale por uma hora e funciona uma vez. Se não foi você que pediu, ignore esta mensagem: nada muda.",
        ),
        Purpose.PASSWORD_CHANGED: (
            "A sua senha foi alterada",
            "Olá, {{ name }}. A senha da sua conta foi alterada e as outras sessões foram encerradas. "
            "Se não foi você, defina uma nova senha agora.",
        ),
        Purpose.EMAIL_CHANGED: (
            "O e-mail da sua conta foi alterado",
            "Olá, {{ name }}. A sua conta usa outro endereço a partir de agora. Se não foi você, fale conosco.",
        ),
        Purpose.TWO_STEP_ENABLED: (
            "Verificação em duas etapas ativada",
            "Olá, {{ name }}. A partir de agora, entrar na sua conta exige também um código do seu aplicativo.",
        ),
        Purpose.TWO_STEP_DISABLED: (
            "Verificação em duas etapas desativada",
            "Olá, {{ name }}. Entrar na sua conta exige agora apenas a senha. Se não foi você, defina uma nova senha agora.",
        ),
        Purpose.ACCOUNT_LOCKED: (
            "A sua conta foi bloqueada",
            "Olá, {{ name }}. A sua conta foi bloqueada e as suas sessões foram encerradas. Fale conosco para saber por quê.",
        ),
        Purpose.PASSKEY_ADDED: (
            "Nova chave de acesso",
            "Olá, {{ name }}. Uma chave de acesso foi adicionada à sua conta. Se não foi você, remova-a e defina uma nova senha.",
        ),
    },
    "en": {
        Purpose.VERIFY_EMAIL: (
            "Confirm your e-mail address",
            "Hello {{ name }}, confirm that this address is yours:\n{{ link }}\n"
            "The link works once, for 24 hours. If you did not open an account, ignore this message.",
        ),
        Purpose.CONFIRM_NEW_EMAIL: (
            "Confirm your new e-mail address",
            "Hello {{ name }}, to use this address for your account, confirm it:\n{{ link }}\n"
            "The link works once, for 24 hours. Until then nothing changes.",
        ),
        Purpose.RESET_PASSWORD: (
            "Set a new password",
            "Hello {{ name }}, to set a new password, open:\n{{ link }}\n"
            "The link works once, for an hour. If it was not you who asked, ignore this message: nothing changes.",
        ),
        Purpose.PASSWORD_CHANGED: (
            "Your password was changed",
            "Hello {{ name }}, the password of your account was changed, and its other sessions were ended. "
            "If it was not you, set a new password now.",
        ),
        Purpose.EMAIL_CHANGED: (
            "The e-mail address of your account was changed",
            "Hello {{ name }}, your account has another address from now on. If it was not you, write to us.",
        ),
        Purpose.TWO_STEP_ENABLED: (
            "Two-step log-in is on",
            "Hello {{ name }}, from now on a log-in to your account needs a code of your app as well.",
        ),
        Purpose.TWO_STEP_DISABLED: (
            "Two-step log-in is off",
            "Hello {{ name }}, a log-in to your account needs the password alone now. If it was not you, set a new password now.",
        ),
        Purpose.ACCOUNT_LOCKED: (
            "Your account was locked",
            "Hello {{ name }}, your account was locked, and its sessions were ended. Write to us to learn why.",
        ),
        Purpose.PASSKEY_ADDED: (
            "A new passkey",
            "Hello {{ name }}, a passkey was added to your account. If it was not you, remove it and set a new password.",
        ),
    },
}
_DEFAULT_LOCALE = "pt-BR"


class SecurityWords:
    """Templates. `app_url` is where the web app is."""

    def __init__(self, app_url: str) -> None:
        self._app_url = app_url.rstrip("/")
        self._templates = Environment(undefined=StrictUndefined, autoescape=False)  # noqa: S701 - plain text, read as such

    def word(self, letter: Letter) -> tuple[str, str]:
        """Title and body in the recipient's language."""
        title, body = _TEXTS.get(letter.locale, _TEXTS[_DEFAULT_LOCALE])[letter.purpose]
        page = _PAGES.get(letter.purpose)
        link = f"{self._app_url}/{page}#token={letter.token}" if page else ""
        return title, self._templates.from_string(body).render(name=letter.display_name, link=link)
