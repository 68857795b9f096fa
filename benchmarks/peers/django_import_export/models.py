"""The customer as a Django model, with the rules that such a model can state; imported once Django is set up."""

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import models

from benchmarks.peers.rules import EMAILS, MAX_LENGTHS
from schemas.columns import CUSTOMER_TYPES, TITLES

REQUIRED = ("first_name", "last_name", "city")
_CHOICES = {"customer_title": TITLES, "customer_type": CUSTOMER_TYPES}


class Customer(models.Model):
    """One customer with every column of the template."""

    id = models.BigAutoField(primary_key=True)
    date_joined = models.DateField(null=True, blank=True)

    class Meta:
        """Where it belongs."""

        app_label = "peer"
        db_table = "customers"

    def clean(self) -> None:
        """Refuse a business without a name."""
        if self.customer_type == "Business" and not self.business_name:
            raise ValidationError({"business_name": "needed for a business"})


for _name, _length in MAX_LENGTHS.items():
    if _name != "date_joined":
        Customer.add_to_class(
            _name,
            models.CharField(
                max_length=_length,
                blank=_name not in REQUIRED,
                choices=[(choice, choice) for choice in _CHOICES[_name]] if _name in _CHOICES else None,
                validators=[validate_email] if _name in EMAILS else [],
            ),
        )
